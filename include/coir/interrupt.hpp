// Interruption: masks, finalizers, and giving up a part of a fiber.
//
//     auto const page = co_await coir::timeout(download(url), 5s);       // std::optional
//     co_await coir::ensuring(transfer(), [&] { return file.close(); }); // on every path
//     co_await coir::interrupt_when(serve(), stop);                      // until `stop` is done
//
// timeout, timeout_fail and interrupt_when are cancel regions of the same fiber: nothing is
// forked or allocated, and they return when what they gave up has cleaned up.
#pragma once

#include <coir/deferred.hpp>
#include <coir/detail/bracket.hpp>
#include <coir/detail/finalizer.hpp>
#include <coir/detail/mask.hpp>
#include <coir/detail/std/chrono.hpp>
#include <coir/detail/timeout_detached.hpp>
#include <coir/detail/timeout_operation.hpp>
#include <coir/task.hpp>

namespace coir::inline v0 {

// Runs `aw` so that no request from outside reaches it; a pending one is taken at its end.
template <detail::awaited A>
auto uninterruptible(A&& aw) {
    using op = detail::operation_of<A>;
    return detail::masked_operation<op>{detail::to_operation(std::forward<A>(aw))};
}

// Runs `body(restore)`, masked; inside, `co_await restore(aw)` is as interruptible as the code
// around the mask.
template <class Body>
    requires std::invocable<detail::stored<Body>&, restore_mask>
auto uninterruptible_mask(Body&& body) {
    COIR_CHECK_CLOSURE(Body);
    return detail::mask_operation<detail::stored<Body>>{std::in_place, detail::unwrap(std::forward<Body>(body))};
}

// Runs `f` when `aw` has ended, however it did. Finalizers are callables that return
// task<void, never>; they may await, cannot be interrupted, and ignore a pending interruption.
// One that throws turns a success into that defect; after any other end the exception is among
// the outcome's suppressed().
template <detail::awaited A, class F>
auto ensuring(A&& aw, F&& f) {
    COIR_CHECK_CLOSURE(F);
    static_assert(detail::finalizer<detail::stored<F>>,
                  "coir: a finalizer is a callable that returns task<void, never>");
    using op = detail::operation_of<A>;
    return detail::ensuring_operation<op, detail::stored<F>>{detail::to_operation(std::forward<A>(aw)),
                                                             detail::unwrap(std::forward<F>(f))};
}

// The same with `f(outcome<T, E> const&)`.
template <detail::awaited A, class F>
auto on_exit(A&& aw, F&& f) {
    COIR_CHECK_CLOSURE(F);
    using op = detail::operation_of<A>;
    using end = outcome<typename op::value_type, typename op::error_type>;
    static_assert(detail::finalizer<detail::stored<F>, end const&>,
                  "coir: a finalizer of on_exit takes outcome<T, E> const& and returns task<void, never>");
    return detail::on_exit_operation<op, detail::stored<F>>{detail::to_operation(std::forward<A>(aw)),
                                                            detail::unwrap(std::forward<F>(f))};
}

// The same with `f(fiber_id)`, only if `aw` ends interrupted. The id is that of the fiber that
// asked; none if it was no fiber, or a timeout.
template <detail::awaited A, class F>
auto on_interrupt(A&& aw, F&& f) {
    COIR_CHECK_CLOSURE(F);
    static_assert(detail::finalizer<detail::stored<F>, fiber_id>,
                  "coir: a finalizer of on_interrupt takes a fiber_id and returns task<void, never>");
    using op = detail::operation_of<A>;
    return detail::on_interrupt_operation<op, detail::stored<F>>{detail::to_operation(std::forward<A>(aw)),
                                                                 detail::unwrap(std::forward<F>(f))};
}

// Runs `acquire`, a task or a callable that returns one, behind a mask; then `use(resource&)`, as
// interruptible as the code around; then, however that ended and also if it did not begin because
// of a pending interruption, the finalizer `release(resource&)` or
// `release(resource&, outcome<T, E> const&)`. If acquiring fails, there is nothing to release.
template <class Acquire, class Use, class Release>
auto acquire_use_release(Acquire&& acquire, Use&& use, Release&& release) {
    static_assert(detail::work<detail::stored<Acquire>>,
                  "coir: the acquire of acquire_use_release is a task, or a callable that returns one");
    COIR_CHECK_CLOSURE(Acquire);
    COIR_CHECK_CLOSURE(Use);
    COIR_CHECK_CLOSURE(Release);
    return detail::bracket_operation<detail::stored<Acquire>, detail::stored<Use>, detail::stored<Release>>{
        detail::unwrap(std::forward<Acquire>(acquire)), detail::unwrap(std::forward<Use>(use)),
        detail::unwrap(std::forward<Release>(release))};
}

// Runs `aw` for at most `d` -> std::optional<T>, or bool for void: true if it ended in time.
template <detail::awaited A, class Rep, class Period>
auto timeout(A&& aw, std::chrono::duration<Rep, Period> d) {
    using op = detail::operation_of<A>;
    return detail::timeout_operation<op>{detail::to_operation(std::forward<A>(aw)), detail::saturated(d)};
}

template <detail::awaited A, std::integral N>
auto timeout(A&& aw, N) {
    static_assert(detail::fits<N>, "coir: how long is a std::chrono::duration, such as 5s");
    return detail::to_operation(std::forward<A>(aw));
}

// The same, but fails with `e` when the time is up.
template <detail::awaited A, class Rep, class Period, class E>
auto timeout_fail(A&& aw, std::chrono::duration<Rep, Period> d, E&& e) {
    COIR_CHECK_VALUE(E);
    using op = detail::operation_of<A>;
    return detail::timeout_fail_operation<op, detail::stored<E>>{
        detail::to_operation(std::forward<A>(aw)), detail::saturated(d), detail::unwrap(std::forward<E>(e))};
}

// As timeout, but does not wait for what it stops waiting for: `work` - a task, or a callable that
// returns one - runs as a daemon, which goes on after `d` and whose result then nobody sees. If
// the caller is interrupted meanwhile, the daemon is asked to end too. Starts when awaited.
template <class Work, class Rep, class Period>
    requires detail::work<detail::stored<Work>>
auto timeout_detached(Work&& work, std::chrono::duration<Rep, Period> d) {
    COIR_CHECK_CLOSURE(Work);
    return detail::run_detached(detail::stored<Work>(detail::unwrap(std::forward<Work>(work))), detail::saturated(d));
}

// Runs `aw` until `signal` is done; results as timeout. A failure or defect of the signal
// becomes the result's. With a signal that is done already, `aw` does not begin. The signal
// outlives the await.
template <detail::awaited A, class T, class E>
auto interrupt_when(A&& aw, deferred<T, E>& signal) {
    using op = detail::operation_of<A>;
    return detail::interrupt_when_operation<op, T, E>{detail::to_operation(std::forward<A>(aw)), signal.get_cell()};
}
template <detail::awaited A, class Signal>
    requires(!detail::deferred_lvalue<Signal>)
auto interrupt_when(A&& aw, Signal&&) {
    static_assert(detail::fits<Signal>, "coir: the signal of interrupt_when is a deferred&; of a shared_deferred, *d");
    return detail::to_operation(std::forward<A>(aw));
}

} // namespace coir::inline v0
