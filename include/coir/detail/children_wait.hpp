// Waiting for the members of a nursery without closing it: what scope::join and scope::interrupt
// await.
#pragma once

#include <coir/detail/fiber_base.hpp>

namespace coir::inline v0::detail {

class [[nodiscard]] children_wait : private leaf, private nursery_joiner {
public:
    using value_type = void;
    using error_type = never;

    children_wait(nursery& members, bool interrupt) noexcept : members_{&members}, interrupt_{interrupt} {}
    children_wait(children_wait&& other) noexcept
        : members_{other.members_}, interrupt_{other.interrupt_} {} // before it is polled

    status poll(fiber_base& f) noexcept {
        if (fiber_ == nullptr) {
            return begin(f);
        }
        switch (f.end_wait()) {
        case wake::none: return status::pending;
        case wake::cancelled: return status::cancelled;
        case wake::fired: break;
        }
        return status::value;
    }
    void get() const noexcept {}
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    // Waits first, so that what joins from here on is interrupted too.
    status begin(fiber_base& f) noexcept {
        if (f.cancel_requested()) {
            return status::cancelled;
        }
        fiber_ = &f;
        nursery_member* const self = f.is_member_of(*members_) ? &f : nullptr;
        prepare(self, interrupt_, f.id());
        f.begin_wait(this);
        if (members_->join(*this)) {
            return status::value;
        }
        if (interrupt_) {
            members_->interrupt_others(f.id(), self);
        }
        return status::pending;
    }

    void nursery_quiet() noexcept override {
        fiber_base& f = *fiber_;
        if (!f.fire() && f.claim().meet()) {
            f.wake_cancelled();
        }
    }
    void cancel(fiber_base& f) noexcept override {
        if (members_->stop_joining(*this) || f.claim().meet()) {
            f.wake_cancelled();
        }
    }
    char const* what() const noexcept override { return "children"; }

    nursery* members_;
    bool interrupt_;
    fiber_base* fiber_ = nullptr;
};

} // namespace coir::inline v0::detail
