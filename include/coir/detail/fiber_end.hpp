// How a fiber ended: the record of its root frame, shared with all who wait for it.
#pragma once

#include <coir/deferred.hpp>
#include <coir/detail/call.hpp>
#include <coir/detail/fiber_base.hpp>

namespace coir::inline v0::detail {

// The outcome is written where it stays. Nobody but the fiber completes it, so it need not be claimed.
template <class T, class E>
class fiber_end {
public:
    using outcome_type = outcome<T, E>;

    // ---- For the fiber, until it publishes.

    call<T, E>& body() noexcept { return body_; }
    call<T, E> const& body() const noexcept { return body_; }

    // The frame is gone: sees to it that there is an outcome, which takes with it what
    // finalizers threw.
    void settle(fiber_base& f) noexcept {
        if (body_.ended() == status::cancelled) {
            body_.interrupt(f.interrupted_by());
        }
        if (!f.suppressed.view().empty()) {
            hand_over_suppressed(f);
        }
    }

    void publish() noexcept { waiters_.publish(); }

    // ---- For others, on any thread.

    outcome_type const* poll() const noexcept { return waiters_.is_done() ? &body_.end() : nullptr; }
    outcome_type& end() noexcept { return body_.end(); }
    waiter_list& waiters() noexcept { return waiters_; }

    // Blocks a plain thread until the fiber has ended.
    void wait() {
        throw_if_on_worker();
        thread_waiter::wait_until(waiters_, (thread_waiter::time_point::max)());
    }

    // Somebody looks at the outcome, so it is not unhandled.
    void observe() noexcept { observed_.store(true, std::memory_order_relaxed); }
    bool is_observed() const noexcept { return observed_.load(std::memory_order_relaxed); }

    // True for the one caller that may move the value out. relaxed: it has seen the end before, and
    // only the one who wins reads the value.
    bool take() noexcept { return !taken_.exchange(true, std::memory_order_relaxed); }

private:
    void hand_over_suppressed(fiber_base& f) noexcept {
        try {
            for (std::exception_ptr const& thrown : f.suppressed.view()) {
                body_.end().add_suppressed(thrown);
            }
        } catch (...) {
            body_.die(std::current_exception());
        }
        f.suppressed = suppressed_list{};
    }

    waiter_list waiters_;
    call<T, E> body_;
    atomic<bool> taken_{false};
    atomic<bool> observed_{false};
};

} // namespace coir::inline v0::detail
