// Fibers that one operation of a fiber owns, and that are decided together: the core of scopes,
// when_all, when_any and race.
#pragma once

#include <coir/detail/fiber_state.hpp>

namespace coir::inline v0::detail {

class group : private leaf, private nursery_waiter {
public:
    group() = default;
    group(group&&) noexcept {} // before it is entered

    // The fiber that owns it enters; what it does from here on can be given up by decide().
    void enter(fiber_base& owner) noexcept {
        owner_ = &owner;
        owner.push_region(region_);
        owner.children().attach(members_);
    }

    fiber_base& owner() const noexcept { return *owner_; }
    nursery& members() noexcept { return members_; }

    // True for the first who decides the group; everything else in it is interrupted. Called by
    // the owner or by a member that has not left, so that the group is alive. Any thread.
    bool decide() noexcept {
        if (decided_.exchange(true, std::memory_order_acq_rel)) {
            return false;
        }
        stop();
        return true;
    }
    bool is_decided() const noexcept { return decided_.load(std::memory_order_acquire); }

    // Interrupts all members and gives up what the owner does in the group.
    void stop() noexcept {
        if (owner_->cancel_region(region_)) {
            owner_->finish_cancel();
        }
        members_.stop(owner_->id());
    }

    // Waits until all members are gone: value, or pending. A request to the owner, or a decided
    // group, interrupts the members and goes on waiting.
    status poll_members(fiber_base& f) noexcept {
        switch (wait_) {
        case waiting::no: break;
        case waiting::interruptibly:
            switch (f.end_wait()) {
            case wake::none: return status::pending;
            case wake::fired: break;
            case wake::cancelled: break; // wait_more() sees why
            }
            break;
        case waiting::masked:
            if (f.end_wait() == wake::none) {
                return status::pending;
            }
            break;
        }
        return wait_more(f);
    }

    // After the members are gone. `decided` is how the group ended. It stays so, as something
    // that was completed; only an interruption gives way to that of the owner, if there is one.
    status exit(status decided) noexcept {
        owner_->children().detach(members_);
        owner_->pop_region(region_);
        bool const stays = decided != status::interrupted && decided != status::cancelled;
        return !stays && owner_->cancel_requested() ? status::cancelled : decided;
    }

private:
    enum class waiting : unsigned char { no, interruptibly, masked };

    status wait_more(fiber_base& f) noexcept {
        bool const asked = f.cancel_requested();
        if (asked) {
            members_.stop(f.id());
        }
        if (asked) {
            f.begin_masked_wait(what());
        } else {
            f.begin_wait(this);
        }
        wait_ = asked ? waiting::masked : waiting::interruptibly;
        if (members_.wait_and_close(*this)) {
            wait_ = waiting::no;
            return status::value;
        }
        return status::pending;
    }

    void nursery_quiet() noexcept override {
        fiber_base& f = *owner_;
        if (!f.fire() && f.claim().meet()) {
            f.wake_cancelled();
        }
    }

    void cancel(fiber_base& f) noexcept override {
        if (members_.stop_waiting() || f.claim().meet()) {
            f.wake_cancelled();
        }
    }
    char const* what() const noexcept override { return "its children"; }

    fiber_base* owner_ = nullptr;
    nursery members_;
    region region_;
    atomic<bool> decided_{false};
    waiting wait_ = waiting::no;
};

// A member of a group that tells it how it ended.
template <class T, class E, class Ended, class Work, class... Args>
class group_fiber final : public fiber_run<T, E, Work, Args...> {
public:
    template <class W, class... As>
    group_fiber(scheduler& s, nursery& owner, Ended on_end, W&& w, As&&... args)
        : fiber_run<T, E, Work, Args...>{s, owner, std::forward<W>(w), std::forward<As>(args)...},
          on_end_{std::move(on_end)} {}

private:
    void ended(outcome<T, E> const& end) noexcept override { on_end_(end); }
    void destroy() noexcept override { delete this; }

    Ended on_end_;
};

} // namespace coir::inline v0::detail
