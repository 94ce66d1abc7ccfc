// The loop that runs a fiber.
//
// It polls what the top frame is suspended in. A call pushes a frame; an end other than a value
// unwinds: the frame, suspended, is destroyed and its caller's operation is polled next - a loop,
// not a recursion, and never inside an await_suspend.
#pragma once

#include <coir/detail/fiber_base.hpp>

namespace coir::inline v0::detail {

// Joins the parent and is queued, or runs here up to its first suspension. In a closed nursery
// it ends interrupted without starting.
inline void fiber_base::start_in_nursery(void const* under, start how) noexcept {
    if (!parent_->add(*this, under)) {
        end_unstarted();
        return;
    }
    begin_running(how);
}

inline void fiber_base::begin_running(start how) noexcept {
    if (how == start::here) {
        run_fiber();
    } else {
        post();
    }
}

inline void fiber_base::end_unstarted() noexcept {
    parent_ = nullptr;
    request_interrupt(fiber_id{});
    end_cancelled();
    depart();
}

inline void fiber_base::run_fiber() noexcept {
    worker& w = this_worker();
    fiber_base* const outer = std::exchange(w.fiber, this);
    unsigned const unwinding = std::exchange(w.unwinding, 0U);
    while (step()) {
    }
    // The fiber may be gone or run elsewhere by now; the worker is still this thread's. Another
    // fiber goes on here if it started this one in place.
    w.fiber = outer;
    w.unwinding = unwinding;
}

// One step; false: the fiber was parked or has ended, and must not be touched.
inline bool fiber_base::step() noexcept {
    switch (phase_) {
    case phase::start: return begin_first();
    case phase::run: return resume_top();
    case phase::unwind: return go_on_unwinding();
    case phase::leave: return leave();
    }
    return false;
}

inline bool fiber_base::begin_first() noexcept {
    if (cancel_requested()) {
        end_cancelled();
        return finish();
    }
    try {
        begin();
    } catch (...) {
        end_defect(std::current_exception());
        return finish();
    }
    if (top_ == nullptr) [[unlikely]] {
        return finish(); // a spent task
    }
    next_.store(next_step::resume, std::memory_order_relaxed);
    phase_ = phase::run;
    return resume_top();
}

inline bool fiber_base::resume_top() noexcept {
    for (;;) {
        bool const resume = next_.load(std::memory_order_relaxed) == next_step::resume;
        next_.store(next_step::poll, std::memory_order_relaxed);
        status s = resume ? status::value : top_->waits_in->poll(*this);
        if (s == status::value || s == status::defect) {
            transfers_ = 0;
            top_->handle.resume();
            s = last_;
        }
        if (s == status::call) {
            next_.store(next_step::resume, std::memory_order_relaxed);
        } else if (s == status::pending) {
            return is_queued() ? go_to_the_end() : !park();
        } else {
            if (unwinds(s) && !leave_top()) {
                phase_ = phase::unwind;
                return !park();
            }
            if (top_ == nullptr) {
                return finish();
            }
        } // the operation of the caller is polled next
    }
}

// Destroys the top frame, once the children forked under it are gone. False: they are awaited.
inline bool fiber_base::leave_top() noexcept {
    frame& f = *top_;
    if (f.completion->keeps_frame) [[unlikely]] {
        leave_frame_to_its_owner(f);
        return true;
    }
    if (f.forked && !await_children(&f)) {
        return false;
    }
    top_ = f.caller;
    worker& w = this_worker();
    ++w.unwinding;
    f.completion->destroy_frame();
    --w.unwinding;
    return true;
}

// Who asked for it pushes the frame again when it may be destroyed.
inline void fiber_base::leave_frame_to_its_owner(frame& f) noexcept {
    if (f.forked) {
        children_.interrupt(id_, &f);
    }
    f.completion->frame_kept = true;
    top_ = f.caller;
}

inline bool fiber_base::go_on_unwinding() noexcept {
    if (!leave_top()) {
        return !park();
    }
    phase_ = phase::run;
    return top_ != nullptr ? resume_top() : finish();
}

// The end of the body is an interruption point, once: who asks later, while the children are
// awaited, gets the outcome as it is. A failure stays what it is.
inline bool fiber_base::finish() noexcept {
    if (root_status() == status::value && cancel_requested()) {
        end_cancelled();
    }
    phase_ = phase::leave;
    return leave();
}

inline bool fiber_base::leave() noexcept {
    if (children_.untouched()) {
        children_.close_untouched();
    } else if (await_children(nullptr)) {
        children_.close();
    } else {
        return !park();
    }
    depart();
    return false;
}

// The fiber may be gone when its outcome is seen and nobody keeps it, or its owner goes on.
inline void fiber_base::depart() noexcept {
    bool const counted = lifetime_ == lifetime::counted;
    publish();
    if (parent_ != nullptr) {
        parent_->remove(*this);
    }
    if (counted) {
        release();
    }
}

// Interrupts the children forked under a frame, into scopes that this fiber is in too, or all.
// True: they are gone.
inline bool fiber_base::await_children(void const* under) noexcept {
    if (end_wait() == wake::none && children_.size() == 0 && children_.next() == nullptr) {
        return true;
    }
    for (nursery* n = &children_; n != nullptr; n = n->next()) {
        n->interrupt(id_, under);
    }
    begin_masked_wait("its children");
    for (nursery* scope = children_.next(); scope != nullptr; scope = scope->next()) {
        if (!scope->wait(*this, under)) {
            return false;
        }
    }
    return children_.wait(*this, under);
}

// A callee that returned leaves its children to its caller, whose frame they may refer to.
inline void fiber_base::hand_over_children(frame& from) noexcept {
    for (nursery* n = &children_; n != nullptr; n = n->next()) {
        n->reparent(&from, from.caller);
    }
    if (from.caller != nullptr) {
        from.caller->forked = true;
    }
}

} // namespace coir::inline v0::detail
