// The OpenAI-compatible chat protocol as pure functions of text: the body of a request, and the
// meaning of each event of the answer. No sockets, no threads, no clock.
//
//   std::string body = chat::request_body(model, conversation);
//   chat::chunk_parser parser;
//   chat::chunk c = parser.parse(event.name, event.data);     // for each server-sent event
//   if (c.error) ...; else if (c.done) ...; else show(c.text);
//   if (the stream ended before c.done) fail(parser.truncated());
#pragma once

#include "json_limits.hpp"
#include "llm_error.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chat {

constexpr std::size_t max_line_bytes = std::size_t{1} << 20;
constexpr std::size_t max_event_bytes = std::size_t{4} << 20;
constexpr std::size_t max_answer_bytes = std::size_t{16} << 20;
constexpr std::size_t max_tool_calls = 128;

// The line that tells the model that its answer was cut off. It opens the user message that follows.
constexpr std::string_view interruption_marker = "[Request interrupted by user]";

// A function call the model asked for. Without a result it was never finished.
struct tool_call {
    tool_call() = default;
    tool_call(std::string i, std::string n, std::string a, std::optional<std::string> r = {})
        : id(std::move(i)), name(std::move(n)), arguments(std::move(a)), result(std::move(r)) {}

    std::string id;
    std::string name;
    std::string arguments; // JSON text
    std::optional<std::string> result;
};

enum class role { system, user, assistant };

// One turn of a conversation. `interrupted` is for assistant messages: the text is what arrived.
struct message {
    message(role w, std::string t, bool cut = false) : who(w), text(std::move(t)), interrupted(cut) {}

    role who;
    std::string text;
    bool interrupted;
    std::vector<tool_call> tool_calls;
};

// The JSON of a streaming request. Servers refuse some conversations that an interruption leaves
// behind, so the result differs from the list:
// - a tool call without a result is left out, and so is an assistant message that then has nothing;
// - user messages that follow each other are joined by a newline (some models insist on turns);
// - after an interrupted answer the next user message begins with `interruption_marker`.
// Invalid UTF-8 is replaced. O(total size).
[[nodiscard]] std::string request_body(std::string_view model, std::vector<message> const& messages);

// What one event of the answer means.
struct chunk {
    chunk() = default;

    std::string text;               // the delta; often empty
    bool done = false;              // the answer is complete
    std::optional<llm_error> error; // the answer has failed; its `partial` is set
};

// Reads the events of one answer in order. Not thread-safe. After an error or `done` it is spent.
class chunk_parser {
public:
    // `event` is the event's name, empty for most servers. Throws only std::bad_alloc.
    [[nodiscard]] chunk parse(std::string_view event, std::string_view data);

    // The error of a stream that ended before `done`.
    [[nodiscard]] llm_error truncated() const;

    // `error` with the text so far: for time-outs and transport errors, which the parser does not see.
    [[nodiscard]] llm_error with_partial(llm_error error) const;

    [[nodiscard]] std::string const& text() const noexcept { return text_; }
    [[nodiscard]] std::string const& finish_reason() const noexcept { return finish_reason_; }
    [[nodiscard]] std::vector<tool_call> const& tool_calls() const noexcept { return tool_calls_; }

private:
    [[nodiscard]] chunk fail(llm_error_kind kind, std::string message, int status = 0) const;
    [[nodiscard]] chunk api_failure(std::string_view data, nlohmann::json const* error) const;
    [[nodiscard]] chunk take_choice(nlohmann::json const& choice);
    [[nodiscard]] bool take_tool_calls(nlohmann::json const& calls);

    std::string text_;
    std::string finish_reason_;
    std::vector<tool_call> tool_calls_;
    std::size_t answer_bytes_ = 0; // text and tool calls
};

} // namespace chat
