// std::stop_token, both ways.
//
//     auto const reply = co_await coir::with_stop_token([&](std::stop_token stop) {
//         return coir::blocking(old_library_call, request, stop);        // stopped when we are interrupted
//     });
//
//     std::jthread worker{[](std::stop_token stop) {
//         coir::sync_wait(stop, serve);                                  // interrupted when we are stopped
//     }};
//
// Only where the standard library has it (__cpp_lib_jthread): libc++ 19 hides it.
#pragma once

#include <version>

#if defined(__cpp_lib_jthread)

#include <coir/detail/inline_closure.hpp>
#include <coir/detail/stop_operations.hpp>
#include <coir/fiber.hpp>
#include <coir/runtime/sync_wait.hpp>

#include <stop_token>

namespace coir::inline v0 {

// Awaits `f(token)`, in a child fiber; the token is stopped as soon as this one is interrupted, or
// given up by a timeout around it. Then the child is interrupted too and awaited. A reference
// result becomes a copy. When the operation has ended the token is stopped no more. The stop
// callbacks of others run in this fiber. Three allocations.
template <class F>
    requires std::invocable<detail::stored<F>&, std::stop_token>
auto with_stop_token(F&& f) {
    COIR_CHECK_CLOSURE(F);
    static_assert(awaitable<std::invoke_result_t<detail::stored<F>&, std::stop_token>>,
                  "coir: with_stop_token takes a callable that returns an awaitable");
    return detail::stop_token_operation<detail::stored<F>>{std::in_place, detail::unwrap(std::forward<F>(f))};
}

// Awaits `aw` until the token is stopped; the result is that of timeout: std::optional<T>, bool for
// void. With a token that is stopped already, `aw` does not begin. No allocation of ours.
template <awaitable A>
auto interrupt_when(A&& aw, std::stop_token token) {
    using op = detail::operation_of<A>;
    return detail::interrupt_when_stopped_operation<op>{detail::to_operation(std::forward<A>(aw)), std::move(token)};
}

// `work` - a task, or a callable and its arguments - as a task whose fiber is interrupted when the
// token is stopped: for run, spawn and whatever else takes work.
//
//     auto const end = loop.run(coir::stopped_by(token, serve));        // interrupted
//
// With a token that is stopped already, `work` does not begin. Once it has ended, the token has no
// effect any more.
template <class Work, class... Args>
    requires detail::work<detail::stored<Work>, detail::stored<Args>...>
auto stopped_by(std::stop_token token, Work&& work, Args&&... args) {
    return detail::run_until_stopped(
        std::move(token), detail::stored_work<detail::stored<Work>, detail::stored<Args>...>{
                              detail::unwrap(std::forward<Work>(work)), detail::unwrap(std::forward<Args>(args))...});
}

// sync_wait and fork, with a token that interrupts the fiber.
template <std::same_as<std::stop_token> Token, class Work, class... Args>
    requires detail::work<detail::stored<Work>, detail::stored<Args>...>
auto sync_wait(Token token, Work&& work, Args&&... args) {
    return coir::sync_wait(coir::stopped_by(std::move(token), std::forward<Work>(work), std::forward<Args>(args)...));
}
template <std::same_as<std::stop_token> Token, class Work, class... Args>
    requires detail::work<detail::stored<Work>, detail::stored<Args>...>
auto fork(Token token, Work&& work, Args&&... args) {
    return coir::fork(coir::stopped_by(std::move(token), std::forward<Work>(work), std::forward<Args>(args)...));
}

} // namespace coir::inline v0

#endif
