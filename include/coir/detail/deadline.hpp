// Deadlines saturate: "in a billion years" is never, not the past.
#pragma once

#include <coir/detail/std/chrono.hpp>

namespace coir::inline v0::detail {

// `now + d`, or the largest time point; a `d` that is not positive is now.
template <class Rep, class Period>
constexpr std::chrono::steady_clock::time_point deadline_after(std::chrono::steady_clock::time_point now,
                                                               std::chrono::duration<Rep, Period> d) noexcept {
    using time_point = std::chrono::steady_clock::time_point;
    if (!(d > d.zero())) {
        return now;
    }
    // Compared as floating point, which any two durations convert to without overflow.
    using seconds = std::chrono::duration<double>;
    time_point const last = (time_point::max)();
    if (std::chrono::duration_cast<seconds>(d) >= std::chrono::duration_cast<seconds>(last - now)) {
        return last;
    }
    return now + std::chrono::ceil<time_point::duration>(d);
}

// `d` in the clock's own unit, or the longest there is; not positive is zero.
template <class Rep, class Period>
constexpr std::chrono::steady_clock::duration saturated(std::chrono::duration<Rep, Period> d) noexcept {
    constexpr std::chrono::steady_clock::time_point start{};
    return deadline_after(start, d) - start;
}

} // namespace coir::inline v0::detail
