// A fiber waiting at a waiter_list: the leaf operation of a deferred, a fiber's end, a signal.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/relax.hpp>
#include <coir/detail/waiter_list.hpp>

namespace coir::inline v0::detail {

class wait_leaf : private leaf, private waiter {
public:
    wait_leaf() = default;
    wait_leaf(wait_leaf&&) noexcept {} // before it waits there is nothing to move

    enum class progress { pending, ready, abandoned, cancelled };

    // Begins to wait for `list`, or looks how the wait ended.
    progress poll(fiber_base& f, waiter_list& list) noexcept {
        if (fiber_ == nullptr) {
            return begin(f, list);
        }
        switch (f.end_wait()) {
        case wake::none: return progress::pending;
        case wake::cancelled: return progress::cancelled;
        case wake::fired: break;
        }
        return abandoned_ ? progress::abandoned : progress::ready;
    }

private:
    progress begin(fiber_base& f, waiter_list& list) noexcept {
        if (f.cancel_requested()) {
            return progress::cancelled;
        }
        if (list.is_done()) {
            return progress::ready;
        }
        fiber_ = &f;
        list_ = &list;
        f.begin_wait(this);
        if (!list.push(*this)) {
            fiber_ = nullptr;
            return progress::ready;
        }
        return progress::pending;
    }

    void cancel(fiber_base& f) noexcept final {
        if (list_->remove(*this) == waiter_list::removal::with_waker && f.claim().meet()) {
            f.wake_cancelled();
        }
    }
    char const* what() const noexcept override { return "deferred"; }

    void removed() noexcept final { fiber_->wake_cancelled(); }

    void fired(firing how) noexcept final {
        fiber_base& f = *fiber_;
        abandoned_ = how.is_abandoned();
        if (f.fire()) {
            return; // the waiter may be gone
        }
        // A canceller froze the fiber and is on its way to the list. One that is about to be
        // destroyed must let it arrive first.
        for (unsigned attempt = 0; how.is_abandoned() && !f.claim().has_met(); ++attempt) {
            relax(attempt);
        }
        if (f.claim().meet()) {
            f.wake_cancelled();
        }
    }

    fiber_base* fiber_ = nullptr;
    waiter_list* list_ = nullptr;
    bool abandoned_ = false;
};

} // namespace coir::inline v0::detail
