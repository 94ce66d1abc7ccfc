// Waiting for many fibers: what interrupt_all, await_all and join_all run.
#pragma once

#include <coir/detail/fiber_join.hpp>
#include <coir/detail/std/ranges.hpp>
#include <coir/task.hpp>

#include <vector>

namespace coir::inline v0::detail {

template <class R>
using fiber_of = std::remove_cvref_t<std::ranges::range_reference_t<R>>;
template <class F>
inline constexpr bool is_fiber = false;
template <class T, class E>
inline constexpr bool is_fiber<fiber<T, E>> = true;

template <class R>
concept fiber_range = std::ranges::input_range<passed<R>> && is_fiber<fiber_of<passed<R>>>;

// Copies of the handles, so that the range may change meanwhile.
template <fiber_range R>
std::vector<fiber_of<R>> handles(R&& fibers) {
    std::vector<fiber_of<R>> copies;
    for (auto&& f : fibers) {
        copies.push_back(f);
    }
    return copies;
}

// A fiber that was asked to end itself asks nobody else.
template <class F>
task<> end_all(std::vector<F> fibers, bool interrupt) {
    for (F const& f : fibers) {
        if (interrupt && !this_worker().fiber->cancel_requested()) {
            f.request_interrupt();
        }
    }
    for (F const& f : fibers) {
        static_cast<void>(co_await f.await());
    }
}

template <class T, class E>
task<std::vector<T>, E> join_each(std::vector<fiber<T, E>> fibers) {
    static_assert(std::copy_constructible<T>,
                  "coir: join_all copies the values, which stay with the fibers; use when_all(std::move(fibers))");
    std::vector<T> values;
    values.reserve(fibers.size());
    for (auto const& f : fibers) {
        values.push_back(co_await f);
    }
    co_return values;
}
template <class E>
task<void, E> join_each(std::vector<fiber<void, E>> fibers) {
    for (auto const& f : fibers) {
        co_await f;
    }
}

} // namespace coir::inline v0::detail
