// Shows the events of a handler: to a person, or as JSON lines.
#pragma once

#include "conversation.hpp"
#include "json_events.hpp"
#include "terminal.hpp"

#include <chrono>
#include <iosfwd>
#include <string>
#include <vector>

namespace chat {

// One event at a time.
class printer {
public:
    using event = handler_event<std::string, llm_error>;

    // typed: the user sees the inputs already, as they were typed on this terminal.
    printer(bool json, bool typed);

    void print(event const& e);
    // Inputs that no request took, on stderr: nothing is lost silently.
    void not_answered(std::vector<std::string> const& inputs);

    // 0 when the last request completed or there was none, 1 when it failed or was interrupted.
    [[nodiscard]] int exit_status() const noexcept { return exit_status_; }

private:
    void show(request_started<std::string> const& e);
    void show(text_delta const& e);
    void show(request_completed const& e);
    void show(request_interrupted const& e);
    void show(request_failed<llm_error> const& e);
    void end_of_answer();

    bool json_;
    bool typed_;
    bool cautious_; // stdout is a terminal, which must not obey the model
    json_events events_;
    terminal_filter filter_;
    std::chrono::steady_clock::time_point start_;
    std::chrono::milliseconds at_{0};
    int exit_status_ = 0;
};

} // namespace chat
