// The times that stages are given.
#pragma once

#include <coir/detail/std/chrono.hpp>
#include <coir/time.hpp>

#include <stdexcept>
#include <string>

namespace coir::inline v0::detail {

template <class D>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

// `d` in the clock's unit, or the longest there is. Throws std::invalid_argument for a negative
// one, and for what is no number. `who` is the operator.
template <class D>
clock::duration stage_time(D d, char const* who) {
    static_assert(is_duration<D>, "coir: a stage takes its time as a std::chrono::duration, such as 300ms");
    if constexpr (is_duration<D>) {
        if (!(d >= d.zero())) {
            throw std::invalid_argument{std::string{"coir: "}.append(who).append(" needs a time that is not negative")};
        }
        return saturated(d);
    } else {
        return {};
    }
}

} // namespace coir::inline v0::detail
