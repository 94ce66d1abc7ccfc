#include "llm_protocol.hpp"

#include <algorithm>
#include <utility>

namespace chat {
namespace {

using nlohmann::json;

bool is_finished(tool_call const& call) { return call.result.has_value(); }

json tool_call_json(tool_call const& call) {
    return {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

// Builds the list of messages; holds back user text so that neighbours can be joined.
class message_list {
public:
    void add(message const& m) {
        switch (m.who) {
        case role::user: join(m.text); break;
        case role::system:
            flush();
            list_.push_back({{"role", "system"}, {"content", m.text}});
            break;
        case role::assistant: add_assistant(m); break;
        }
    }

    [[nodiscard]] json take() {
        flush();
        return std::move(list_);
    }

private:
    void add_assistant(message const& m) {
        bool const has_calls = std::any_of(m.tool_calls.begin(), m.tool_calls.end(), is_finished);
        if (!m.text.empty() || has_calls) {
            flush();
            json entry = {{"role", "assistant"}, {"content", m.text.empty() ? json() : json(m.text)}};
            for (tool_call const& call : m.tool_calls) {
                if (is_finished(call)) entry["tool_calls"].push_back(tool_call_json(call));
            }
            list_.push_back(std::move(entry));
            for (tool_call const& call : m.tool_calls) {
                if (!is_finished(call)) continue;
                list_.push_back({{"role", "tool"}, {"tool_call_id", call.id}, {"content", *call.result}});
            }
            if (m.interrupted) join(interruption_marker);
        }
    }

    void join(std::string_view text) {
        if (has_user_) user_ += '\n';
        user_ += text;
        has_user_ = true;
    }

    void flush() {
        if (!has_user_) return;
        list_.push_back({{"role", "user"}, {"content", std::exchange(user_, {})}});
        has_user_ = false;
    }

    json list_ = json::array();
    std::string user_;
    bool has_user_ = false;
};

// The `code` or `status` of an API error, if it is a number such as an HTTP status.
int status_of(json const& error) {
    for (char const* const name : {"code", "status"}) {
        json const* const value = member(error, name);
        if (value == nullptr || !value->is_number_integer()) continue;
        auto const number = value->get<long long>();
        if (number >= 100 && number <= 599) return static_cast<int>(number);
    }
    return 0;
}

} // namespace

std::string request_body(std::string_view model, std::vector<message> const& messages) {
    message_list list;
    for (message const& m : messages)
        list.add(m);
    json const body = {{"model", model}, {"stream", true}, {"messages", list.take()}};
    return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

chunk chunk_parser::parse(std::string_view event, std::string_view data) {
    if (data.size() > max_event_bytes) return fail(llm_error_kind::too_large, "an event is too large");
    if (data.substr(0, 6) == "[DONE]") {
        chunk end;
        end.done = true;
        return end;
    }
    if (!nests_at_most(data, max_json_depth)) {
        return fail(llm_error_kind::protocol, "an event is nested too deeply");
    }
    if (event == "error") return api_failure(data, nullptr);

    auto const parsed = parse_json(data);
    if (!parsed || !parsed->is_object()) {
        return fail(llm_error_kind::protocol, "an event is not a JSON object");
    }
    if (json const* const error = member(*parsed, "error")) return api_failure(data, error);
    json const* const choices = member(*parsed, "choices");
    if (choices == nullptr) return {};
    if (!choices->is_array()) return fail(llm_error_kind::protocol, "\"choices\" is not a list");
    if (choices->empty()) return {};
    return take_choice(choices->front());
}

chunk chunk_parser::take_choice(json const& choice) {
    if (!choice.is_object()) return fail(llm_error_kind::protocol, "a choice is not an object");
    chunk result;
    if (json const* const delta = member(choice, "delta")) {
        std::string const* text = string_member(*delta, "content");
        if (text == nullptr) text = string_member(*delta, "refusal");
        if (text != nullptr) result.text = *text;
        if (json const* const calls = member(*delta, "tool_calls"); calls && !take_tool_calls(*calls)) {
            return fail(llm_error_kind::protocol, "a tool call is malformed");
        }
    }
    answer_bytes_ += result.text.size();
    if (answer_bytes_ > max_answer_bytes) {
        return fail(llm_error_kind::too_large, "the answer is too large");
    }
    text_ += result.text;
    if (std::string const* const reason = string_member(choice, "finish_reason")) {
        finish_reason_ = *reason;
    }
    return result;
}

// Fragments of a call carry its index; only the first has the id and the name.
bool chunk_parser::take_tool_calls(json const& calls) {
    if (!calls.is_array()) return false;
    for (json const& fragment : calls) {
        json const* const index = member(fragment, "index");
        if (index == nullptr || !index->is_number_unsigned()) return false;
        auto const at = index->get<std::size_t>();
        if (at >= max_tool_calls) return false;
        if (at >= tool_calls_.size()) tool_calls_.resize(at + 1);
        tool_call& call = tool_calls_[at];
        if (std::string const* const id = string_member(fragment, "id")) call.id = *id;
        json const* const function = member(fragment, "function");
        if (function == nullptr) continue;
        if (std::string const* const name = string_member(*function, "name")) call.name = *name;
        if (std::string const* const part = string_member(*function, "arguments")) {
            answer_bytes_ += part->size();
            call.arguments += *part;
        }
    }
    return true;
}

llm_error chunk_parser::truncated() const {
    return with_partial({llm_error_kind::truncated, "the answer ended before it was complete", 0, true});
}

llm_error chunk_parser::with_partial(llm_error error) const {
    error.partial = text_;
    return error;
}

chunk chunk_parser::fail(llm_error_kind kind, std::string message, int status) const {
    chunk result;
    result.error = with_partial({kind, std::move(message), status, is_retryable_status(status)});
    return result;
}

chunk chunk_parser::api_failure(std::string_view data, json const* error) const {
    std::string const said = api_error_message(data);
    return fail(llm_error_kind::api, "the server reports an error" + (said.empty() ? std::string() : ": " + said),
                error == nullptr ? 0 : status_of(*error));
}

} // namespace chat
