// When to try again.
//
//     auto const policy = coir::exponential(500ms).max_delay(8s).jittered() && coir::recurs(4);
//     auto const page = co_await coir::retry([&] { return download(url); }, policy);
//
// A schedule is a value: asked after each failure, it gives the delay before the next attempt,
// or nothing to stop.
#pragma once

#include <coir/detail/count_argument.hpp>
#include <coir/detail/retry_operation.hpp>
#include <coir/detail/schedule_parts.hpp>

#include <concepts>
#include <cstddef>

namespace coir::inline v0 {

// At most `n` repetitions after the first attempt, without delay. Negative: std::invalid_argument.
inline auto recurs(detail::count_argument count) noexcept {
    return detail::make_schedule(
        [n = count.value()](schedule_step const& s, auto const&) -> std::optional<clock::duration> {
            return s.attempt < n ? std::optional{clock::duration::zero()} : std::nullopt;
        });
}

// For ever, `d` between the end of one attempt and the start of the next.
template <class Rep, class Period>
auto spaced(std::chrono::duration<Rep, Period> d) noexcept {
    return detail::make_schedule(
        [d = detail::saturated(d)](schedule_step const&, auto const&) { return std::optional{d}; });
}

// For ever, after base, base * factor, base * factor^2, ...
template <class Rep, class Period>
auto exponential(std::chrono::duration<Rep, Period> base, double factor = 2.0) noexcept {
    return detail::make_schedule([base = detail::saturated(base), factor](schedule_step const& s, auto const&) {
        return std::optional{detail::scaled(base, detail::power(factor, s.attempt))};
    });
}

// Runs `factory()` and, as long as it fails and `policy` says so, again; the last failure is the
// result. Defects and interruption are not retried. Sleeping between attempts is interruptible.
template <class Factory, class Policy>
    requires std::invocable<detail::stored<Factory>&>
auto retry(Factory&& factory, Policy policy) {
    COIR_CHECK_CLOSURE(Factory);
    return detail::retry_operation<detail::stored<Factory>, Policy>{detail::unwrap(std::forward<Factory>(factory)),
                                                                    std::move(policy)};
}

template <detail::awaited Work, class Policy>
    requires(!std::invocable<detail::stored<Work>&>)
auto retry(Work&&, Policy) {
    static_assert(detail::fits<Work>, "coir: retry takes the function that makes the task, as each attempt needs one");
}

} // namespace coir::inline v0
