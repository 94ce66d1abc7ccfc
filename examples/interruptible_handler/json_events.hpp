// The output of `--json`: one JSON object per line, one line per event.
//
//   chat::json_events events(std::cout);
//   events.request_started(1, {"hello"}, elapsed);
//   events.text_delta(1, "Hi", elapsed);
//   events.request_completed(1, "Hi", elapsed);
#pragma once

#include "llm_error.hpp"

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace chat {

// Every object has `event`, `id` and an integer `t_ms` that never decreases, whatever is passed.
// Each line is valid UTF-8 even if the text is not (invalid bytes become U+FFFD), and is
// flushed at once. Not thread-safe: one writer.
class json_events {
public:
    using milliseconds = std::chrono::milliseconds;

    explicit json_events(std::ostream& out) : out_(out) {}

    void request_started(std::uint64_t id, std::vector<std::string> const& inputs, milliseconds t);
    void text_delta(std::uint64_t id, std::string_view delta, milliseconds t);
    // `reason` is new_user_input, ctrl_c or shutdown.
    void request_interrupted(std::uint64_t id, std::string_view partial, std::string_view reason, milliseconds t);
    void request_completed(std::uint64_t id, std::string_view text, milliseconds t);
    // The error's message must have gone through `llm_endpoint::redacted`.
    void request_failed(std::uint64_t id, llm_error const& error, milliseconds t);

private:
    template <class Object>
    void write(Object& object, milliseconds t);

    std::ostream& out_;
    milliseconds last_{0};
};

} // namespace chat
