// A cancel region that a deferred cancels: what interrupt_when is made of.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/relax.hpp>
#include <coir/detail/waiter_list.hpp>

namespace coir::inline v0::detail {

//     armed --fired or removed--> out
//     armed --the fiber leaves--> leaving --fired or removed--> out
//                                 leaving --the fiber parks--> parked --> out, and it is woken
class region_signal final : private waiter {
public:
    region_signal() = default;
    region_signal(region_signal&&) noexcept {} // before it is entered

    // False: the signal has fired already; nothing was entered.
    bool enter(fiber_base& f, waiter_list& signal) noexcept {
        surround(f);
        arm(f, signal);
        if (signal.push(*this)) {
            return true;
        }
        forget(f);
        return false;
    }

    // The same in two steps, for what mostly ends at once: first the region alone, of which the
    // signal does not know; then it ends, or waits and listens. If the signal has fired
    // meanwhile, the fiber finds itself cancelled when it parks. May be done again after exit(),
    // but not once the signal has fired.
    void surround(fiber_base& f) noexcept { f.push_region(region_); }
    void forget(fiber_base& f) noexcept { f.pop_region(region_); }
    void listen(fiber_base& f, waiter_list& signal) noexcept {
        arm(f, signal);
        if (!signal.push(*this)) {
            state_.store(state::out, std::memory_order_relaxed);
            f.cancel_region(region_);
        }
    }

    // Takes the waiter out of the signal's hands. False: another thread holds it; return
    // status::pending and call again, the fiber is woken then.
    bool leave() noexcept {
        state s = state::armed;
        if (state_.compare_exchange_strong(s, state::leaving, std::memory_order_acq_rel, std::memory_order_acquire)) {
            signal_->remove(*this);
            s = state::leaving;
            fiber_->begin_masked_wait("a signal's thread");
            if (state_.compare_exchange_strong(s, state::parked, std::memory_order_acq_rel,
                                               std::memory_order_acquire)) {
                return false;
            }
        } else if (s == state::parked) {
            return false;
        }
        fiber_->end_wait();
        return true;
    }

    // After leave(): true if this region was why the fiber was cancelled, and no outer one is left.
    bool exit(status ended) noexcept {
        fiber_->pop_region(region_);
        return ended == status::cancelled && region_.cancelled.load(std::memory_order_relaxed) &&
               !fiber_->cancel_requested();
    }

    bool was_abandoned() const noexcept { return abandoned_; }

private:
    enum class state : unsigned char { armed, leaving, parked, out };

    void arm(fiber_base& f, waiter_list& signal) noexcept {
        fiber_ = &f;
        signal_ = &signal;
        state_.store(state::armed, std::memory_order_relaxed);
    }

    void fired(firing how) noexcept override {
        abandoned_ = how.is_abandoned();
        if (fiber_->cancel_region(region_)) {
            callbacks_later const others{how.callbacks()}; // not all who wait for the signal were told
            fiber_->finish_cancel();
        }
        if (how.is_abandoned()) {
            // The list is being destroyed: a fiber that is not inside remove() does not go in any
            // more, and one that is comes out first - and parks, as it is not `out`.
            // release: the fiber sees abandoned_. Nothing to acquire here: removed() does.
            state s = state::armed;
            if (state_.compare_exchange_strong(s, state::out, std::memory_order_release, std::memory_order_relaxed)) {
                return;
            }
            for (unsigned attempt = 0; state_.load(std::memory_order_relaxed) == state::leaving; ++attempt) {
                relax(attempt);
            }
        }
        removed();
    }

    void removed() noexcept override {
        fiber_base& f = *fiber_;
        // acq_rel: the fiber sees abandoned_, and this thread is out of the waiter after it.
        if (state_.exchange(state::out, std::memory_order_acq_rel) == state::parked) {
            f.fire();
        }
    }

    fiber_base* fiber_ = nullptr;
    waiter_list* signal_ = nullptr;
    atomic<state> state_{state::armed};
    region region_;
    bool abandoned_ = false;
};

} // namespace coir::inline v0::detail
