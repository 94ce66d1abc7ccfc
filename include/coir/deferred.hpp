// A value that will be there once: completed by one, awaited by any number, from any thread.
//
//     coir::deferred<int, parse_error> answer;
//     // here, in as many fibers as you like:      // there, in a fiber, a callback, a thread:
//     int const& n = co_await answer;              answer.succeed(42);
//
// Use it for what happens once. For a value that changes there is watch, for many values queue.
#pragma once

#include <coir/detail/complete.hpp>
#include <coir/detail/deferred_cell.hpp>
#include <coir/detail/deferred_wait.hpp>
#include <coir/detail/outcome_callback.hpp>

namespace coir::inline v0 {

// Not movable. Every function may be called from any thread. The first to complete it wins and
// gets true; a loser leaves its arguments untouched. Completing never runs code of a waiter: it
// costs one or two atomic operations and a post per waiter, and waiters go on in FIFO order, each
// on its own scheduler. Nothing allocates.
//
// A completed deferred must outlive the use of its value by waiters. One that is destroyed
// unfinished ends its waiters as interrupted; nobody may begin to wait then.
//
// deferred<void, never> is the cheapest signal: succeed() is one atomic operation.
template <class T = void, class E = never>
class deferred {
public:
    using value_type = T;
    using error_type = E;
    using outcome_type = outcome<T, E>;

    deferred() = default;
    deferred(deferred const&) = delete;
    deferred& operator=(deferred const&) = delete;

    // Completes with the value made from `args`. If making it throws, the deferred is completed
    // with that exception as defect, and the call returns true.
    template <class... Args>
    bool succeed(Args&&... args) {
        static_assert(detail::storable<T, Args...>, "coir: the T of this deferred is not made from these arguments");
        return cell_.complete(in_place_success, std::forward<Args>(args)...);
    }

    template <class... Args>
    bool fail(Args&&... args) {
        static_assert(std::constructible_from<E, Args...>,
                      "coir: the E of this deferred is not made from these arguments; with never it cannot fail");
        return cell_.complete(in_place_failure, std::forward<Args>(args)...);
    }

    bool die(std::exception_ptr defect) noexcept {
        return cell_.complete_by([&] { return outcome_type::died(std::move(defect)); });
    }

    // Waiters see an interrupted outcome that carries the id of the fiber that called this;
    // they are not interrupted themselves.
    bool interrupt() noexcept {
        return cell_.complete_by([] { return outcome_type::interrupted(detail::current_fiber_id()); });
    }

    bool done(outcome_type&& end) {
        return cell_.complete_by([&]() -> outcome_type { return std::move(end); });
    }
    bool done(outcome_type const& end) {
        return cell_.complete_by([&]() -> outcome_type { return end; });
    }

    // `co_await d.complete(work)`: claims the deferred and then runs `work` - a task, or a
    // callable that returns one - here, and stores its outcome, an interruption too. False:
    // somebody else had claimed it, and `work` was not run.
    template <class Work>
    auto complete(Work&& work) {
        COIR_CHECK_CLOSURE(Work);
        return detail::complete_operation<T, E, detail::stored<Work>>{cell_, detail::unwrap(std::forward<Work>(work))};
    }

    bool is_done() const noexcept { return cell_.is_done(); }

    // The outcome once it is there, else null. Never waits.
    outcome_type const* poll() const noexcept { return cell_.poll(); }

    // Moves the value out, for one caller; the next gets the defect already_taken. Other
    // waiters see what was moved from.
    auto take() { return detail::deferred_take<T, E>{cell_}; }

    // For plain threads. On a thread that runs fibers they throw would_deadlock.
    void wait() const { cell_.wait_until((detail::deferred_cell<T, E>::time_point::max)()); }
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> d) const {
        return cell_.wait_until(detail::deadline_after(std::chrono::steady_clock::now(), d));
    }
    bool wait_until(std::chrono::steady_clock::time_point t) const { return cell_.wait_until(t); }

    // Calls `f(outcome<T, E> const&)`, which is noexcept, once: at once if the deferred is done,
    // else when it is completed, on the thread that completes it (or, if another thread is just
    // taking a waiter out of it, on that one), with no lock held and after all waiters were
    // posted. A deferred that is destroyed unfinished ends as interrupted. The registration that
    // is returned holds `f` and takes it back when it is destroyed; nothing is allocated.
    template <class F>
    auto on_done(F&& f) const {
        return detail::call_on_done<T, E>(cell_, std::forward<F>(f));
    }

    // How many wait, callbacks included, as a snapshot for diagnostics; nobody may leave the deferred meanwhile.
    std::size_t waiter_count() const noexcept { return cell_.waiter_count(); }

    // For the library: the operation of awaiting it, which gives `T const&`.
    detail::deferred_wait<T, E> coir_operation() const& noexcept { return detail::deferred_wait<T, E>{cell_}; }
    detail::deferred_cell<T, E>& get_cell() const noexcept { return cell_; }

private:
    mutable detail::deferred_cell<T, E> cell_;
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// What a function that takes `deferred<T, E>&` takes.
template <class T, class E>
void take_deferred(deferred<T, E>&);
template <class D>
concept deferred_lvalue = requires(D&& d) { detail::take_deferred(std::forward<D>(d)); };

} // namespace coir::inline v0::detail

#include <coir/deferred_recipe.hpp>
#include <coir/shared_deferred.hpp>
