// Parsing JSON that a stranger wrote.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace chat {

constexpr std::size_t max_json_depth = 64;

// Whether arrays and objects nest at most `limit` deep. Looks at brackets outside of strings only,
// so it also answers for text that is not JSON. O(n), no memory: it runs before the parser, which
// then never sees nesting that could cost it stack or memory.
[[nodiscard]] inline bool nests_at_most(std::string_view text, std::size_t limit) noexcept {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > limit) return false;
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return true;
}

// The value of `text`, or nothing if it is not JSON or nests too deeply.
[[nodiscard]] inline std::optional<nlohmann::json> parse_json(std::string_view text) {
    if (!nests_at_most(text, max_json_depth)) return std::nullopt;
    nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
    if (value.is_discarded()) return std::nullopt;
    return value;
}

// The member `name` if `value` is an object that has it with a value other than null; else nullptr.
[[nodiscard]] inline nlohmann::json const* member(nlohmann::json const& value, char const* name) {
    if (!value.is_object()) return nullptr;
    auto const found = value.find(name);
    return found == value.end() || found->is_null() ? nullptr : &*found;
}

// The member `name` if it is a string; else nullptr.
[[nodiscard]] inline std::string const* string_member(nlohmann::json const& value, char const* name) {
    nlohmann::json const* const found = member(value, name);
    return found == nullptr ? nullptr : found->get_ptr<std::string const*>();
}

} // namespace chat
