// What happens on a line of marbles, and its unit of time.
//
//     using namespace coir::marbles::literals;
//     co_await coir::sleep_for(2_dashes);
#pragma once

#include <coir/detail/std/chrono.hpp>
#include <coir/time.hpp>

#include <cstdint>
#include <string>

namespace coir::inline v0::marbles {

// The unit of time of a line for which no other was stated: ten milliseconds.
using dashes = std::chrono::duration<std::int64_t, std::centi>;

inline namespace literals {
constexpr dashes operator""_dashes(unsigned long long n) { return dashes{static_cast<std::int64_t>(n)}; }
constexpr dashes operator""_dash(unsigned long long n) { return dashes{static_cast<std::int64_t>(n)}; }
} // namespace literals

enum class event_kind : unsigned char { element, end, failure, defect, interruption, closing };

struct event {
    clock::duration at{}; // since the beginning
    event_kind what = event_kind::element;
    std::string name{}; // of the element, the failure or what was thrown

    bool operator==(event const&) const = default;
};

} // namespace coir::inline v0::marbles
