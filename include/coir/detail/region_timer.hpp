// A cancel region with a deadline: what timeouts are made of.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/live_count.hpp>

namespace coir::inline v0::detail {

class region_timer final : private timer, private counted<live::timers> {
public:
    region_timer() = default;
    region_timer(region_timer&&) noexcept : timer{}, counted{} {} // before it is entered

    // From here on what the fiber does is given up when the deadline has passed.
    void enter(fiber_base& f, timer::time_point deadline) noexcept {
        surround(f);
        arm(deadline);
    }

    // The same in two steps, for what mostly ends at once: the region alone, and then, if it
    // waits, the deadline.
    void surround(fiber_base& f) noexcept {
        fiber_ = &f;
        region_.cancelled.store(false, std::memory_order_relaxed);
        f.push_region(region_);
    }
    void arm(timer::time_point deadline) noexcept { fiber_->where().arm(*this, deadline); }

    // The end of what was armed. True: the deadline was why the fiber was cancelled, and no outer
    // region is being left too.
    bool leave(status ended) noexcept {
        fiber_->where().disarm(*this); // afterwards no thread is inside this timer
        fiber_->pop_region(region_);
        return ended == status::cancelled && region_.cancelled.load(std::memory_order_relaxed) &&
               !fiber_->cancel_requested();
    }
    // The end of what was not.
    void forget() noexcept { fiber_->pop_region(region_); }

private:
    bool expire() noexcept override { return fiber_->cancel_region(region_); }
    void finish() noexcept override { fiber_->finish_cancel(); }

    fiber_base* fiber_ = nullptr;
    region region_;
};

} // namespace coir::inline v0::detail
