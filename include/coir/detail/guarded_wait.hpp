// One fiber that waits until something becomes true that a lock guards.
//
//     // the fiber                                      // who changes it
//     s = wait_.poll(f, [&] { return full_; });         wake_batch wakes;
//                                                       std::lock_guard guard{lock_};
//                                                       full_ = true;
//                                                       wakes.add(wait_.claim());
//
// The fiber looks and begins to wait under one hold of the lock, so no change is overlooked.
// Nothing is handed over: who is woken looks again, and who is cancelled has taken nothing.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/waiting_line.hpp>

#include <mutex>
#include <utility>

namespace coir::inline v0::detail {

class guarded_wait : private leaf {
public:
    // `what` as leaf::what().
    guarded_wait(spin_lock& lock, char const* what) noexcept : lock_{lock}, what_{what} {}
    guarded_wait(guarded_wait const&) = delete;
    guarded_wait& operator=(guarded_wait const&) = delete;

    // Until `look()`, which runs under the lock, says true: value; else pending or cancelled. A
    // fiber that was woken looks before it is cancelled: what has come counts.
    template <class Look>
    status poll(fiber_base& f, Look look) noexcept {
        return poll_as<false>(f, look);
    }
    // The same where nobody claims the fiber unless look() is true, and it stays true until the
    // fiber has seen it: who is woken does not look again.
    template <class Look>
    status poll_until_claimed(fiber_base& f, Look look) noexcept {
        return poll_as<true>(f, look);
    }

    // Under the lock: wakes the fiber, if one waits. What this gives goes into a wake_batch.
    [[nodiscard]] fiber_base* claim() noexcept {
        fiber_base* const f = std::exchange(fiber_, nullptr);
        bool post_it = false;
        return f != nullptr && f->try_fire(post_it) && post_it ? f : nullptr;
    }

private:
    template <bool claim_is_enough, class Look>
    status poll_as(fiber_base& f, Look& look) noexcept {
        if (waits_) {
            wake const how = f.end_wait();
            if (how == wake::none) {
                return status::pending;
            }
            waits_ = false;
            if (how == wake::cancelled) {
                return status::cancelled;
            }
            if (claim_is_enough) {
                return status::value;
            }
        } else if (f.cancel_requested()) {
            return status::cancelled;
        }
        std::lock_guard const guard{lock_};
        if (look()) {
            return status::value;
        }
        waits_ = true;
        f.begin_wait(this);
        fiber_ = &f;
        return status::pending;
    }

    // Who claims loses from now on, and does so under the lock: after it nobody is at the fiber.
    void cancel(fiber_base& f) noexcept override {
        {
            std::lock_guard const guard{lock_};
            fiber_ = nullptr;
        }
        f.wake_cancelled();
    }
    char const* what() const noexcept override { return what_; }

    spin_lock& lock_;
    char const* what_;
    fiber_base* fiber_ = nullptr; // under the lock: who is to be woken
    bool waits_ = false;          // the fiber's own
};

} // namespace coir::inline v0::detail
