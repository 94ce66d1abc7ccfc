// The characters and the units of time of lines of marbles.
#pragma once

#include <coir/testing/marble_event.hpp>

#include <array>
#include <stdexcept>
#include <string_view>

namespace coir::inline v0::detail {

using marble_event = marbles::event;
using marble_kind = marbles::event_kind;

// Nothing comes after these.
constexpr bool is_last(marble_kind k) noexcept { return k != marble_kind::element; }

inline clock::duration checked_dash(clock::duration dash) {
    if (dash <= dash.zero()) {
        throw std::invalid_argument{"coir: a dash takes some time"};
    }
    return dash;
}

struct marble_unit {
    std::string_view name;
    clock::duration length;
};
// The longer ones first, for writing.
inline constexpr std::array<marble_unit, 6> marble_units{{{"h", std::chrono::hours{1}},
                                                          {"min", std::chrono::minutes{1}},
                                                          {"s", std::chrono::seconds{1}},
                                                          {"ms", std::chrono::milliseconds{1}},
                                                          {"us", std::chrono::microseconds{1}},
                                                          {"ns", std::chrono::nanoseconds{1}}}};

// 1500ms, not 1.5s.
inline std::string duration_text(clock::duration d) {
    if (d == d.zero()) {
        return "0ms";
    }
    for (marble_unit const& unit : marble_units) {
        if (d % unit.length == d.zero()) {
            return std::to_string(d / unit.length).append(unit.name);
        }
    }
    return {}; // all are multiples of the last one
}

constexpr char marble_sign(marble_kind k) noexcept { return "\0|#*!/"[static_cast<unsigned char>(k)]; }

constexpr bool is_marble_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

} // namespace coir::inline v0::detail
