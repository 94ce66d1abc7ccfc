#include "json_events.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ostream>

namespace chat {
namespace {

using object = nlohmann::ordered_json;

object event(std::string_view name, std::uint64_t id) { return {{"event", name}, {"id", id}}; }

} // namespace

template <class Object>
void json_events::write(Object& line, milliseconds t) {
    last_ = (std::max)(last_, t);
    line["t_ms"] = last_.count();
    // A delta may end in the middle of a character, so text is not always UTF-8 by itself.
    out_ << line.dump(-1, ' ', false, Object::error_handler_t::replace) + '\n' << std::flush;
}

void json_events::request_started(std::uint64_t id, std::vector<std::string> const& inputs, milliseconds t) {
    object line = event("request_started", id);
    line["inputs"] = inputs;
    write(line, t);
}

void json_events::text_delta(std::uint64_t id, std::string_view delta, milliseconds t) {
    object line = event("text_delta", id);
    line["delta"] = delta;
    write(line, t);
}

void json_events::request_interrupted(std::uint64_t id, std::string_view partial, std::string_view reason,
                                      milliseconds t) {
    object line = event("request_interrupted", id);
    line["partial"] = partial;
    line["reason"] = reason;
    write(line, t);
}

void json_events::request_completed(std::uint64_t id, std::string_view text, milliseconds t) {
    object line = event("request_completed", id);
    line["text"] = text;
    write(line, t);
}

void json_events::request_failed(std::uint64_t id, llm_error const& error, milliseconds t) {
    object line = event("request_failed", id);
    line["error"] = {{"kind", name_of(error.kind)}, {"message", error.message}};
    line["partial"] = error.partial;
    write(line, t);
}

} // namespace chat
