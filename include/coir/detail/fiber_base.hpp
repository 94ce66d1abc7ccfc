// A fiber's control block, apart from its result: a stack of coroutine frames, the claim on its
// suspension, its cancel regions, its children, and the loop that runs it.
//
// The run loop polls what the top frame is suspended in. A call pushes a frame; an end other
// than a value unwinds: the frame, suspended, is destroyed and its caller's operation is polled
// next - a loop, not a recursion, and never inside an await_suspend.
#pragma once

#include <coir/detail/claim.hpp>
#include <coir/detail/frame.hpp>
#include <coir/detail/nursery.hpp>
#include <coir/detail/region.hpp>
#include <coir/detail/runnable.hpp>
#include <coir/detail/suppressed_list.hpp>
#include <coir/detail/worker.hpp>
#include <coir/runtime/scheduler.hpp>

#include <string_view>

namespace coir::inline v0::detail {

// The operation that a suspended fiber waits for.
class leaf {
public:
    // The fiber is frozen by `cancelling`. Takes its waiter out of the source's hands and then
    // calls wake_cancelled(), here or on the thread that holds the waiter just now.
    virtual void cancel(fiber_base& f) noexcept = 0;

    // For diagnostics: what it is, as in "deferred" or "sleep".
    virtual char const* what() const noexcept = 0;

protected:
    ~leaf() = default;
};

enum class wake { none, fired, cancelled };

class fiber_base : public runnable, public nursery_member, private nursery_waiter {
public:
    fiber_base(scheduler& s, nursery& parent) noexcept
        : runnable{&fiber_base::run_posted}, scheduler_{&s}, parent_{&parent} {
        root_.depth.store(1, std::memory_order_relaxed);
    }

    fiber_id id() const noexcept { return id_; }
    scheduler& where() const noexcept { return *scheduler_; }
    nursery& children() noexcept { return children_; }
    virtual std::string_view name() const noexcept = 0;

    // ---- Lifetime: the running fiber and each handle hold a reference.
    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // acq_rel: the last one sees what the others did with the block.
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            destroy();
        }
    }
    bool is_last_reference() const noexcept { return references_.load(std::memory_order_acquire) == 1; }

    // ---- For the fiber itself.

    // A visible region was cancelled: what has not begun must not begin.
    bool cancel_requested() noexcept {
        claim_word::value const now = claim_.load();
        if (now == clean_) {
            return false;
        }
        if (visible_cancelled(regions_, claim_word::shield(now))) {
            return true;
        }
        clean_ = now;
        return false;
    }

    // The same, for regions outside `r` only.
    bool cancel_requested_outside(region const& r) noexcept {
        return visible_cancelled(r.outer, claim_word::shield(claim_.load()));
    }

    void push_region(region& r) noexcept {
        r.outer = regions_;
        r.depth.store(regions_->depth.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        regions_ = &r;
    }
    // Puts `r` below those pushed since `top` was the innermost, as if it had come before them.
    void splice_region(region& r, region* top) noexcept {
        std::uint32_t const depth = top->depth.load(std::memory_order_relaxed) + 1;
        region** below = &regions_;
        for (; *below != top; below = &(*below)->outer) {
            (*below)->depth.store((*below)->depth.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
        r.outer = top;
        r.depth.store(depth, std::memory_order_relaxed);
        *below = &r;
        if (std::uint32_t const s = shield(); s >= depth) {
            set_shield(s + 1);
        }
    }
    region* top_region() const noexcept { return regions_; }
    void pop_region(region& r) noexcept {
        region** below = &regions_;
        for (; *below != &r; below = &(*below)->outer) {
            (*below)->depth.store((*below)->depth.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
        }
        *below = r.outer;
        if (std::uint32_t const s = shield(); s >= r.depth.load(std::memory_order_relaxed)) {
            set_shield(s - 1);
        }
    }

    std::uint32_t shield() const noexcept { return claim_word::shield(claim_.load()); }
    // Shields everything outside of here. Returns what to give to set_shield() at the end.
    std::uint32_t mask() noexcept {
        std::uint32_t const before = shield();
        claim_.set_shield(regions_->depth.load(std::memory_order_relaxed));
        return before;
    }
    void set_shield(std::uint32_t depth) noexcept { claim_.set_shield(depth); }

    // A leaf is about to hand out its waiter; cancel_requested() was false just before.
    // Null: a wait that nobody may cancel.
    void begin_wait(leaf* l) noexcept { waiting_in_ = l; }

    // The fiber goes to the end of its scheduler's queue instead of waiting for something:
    // followed by status::pending.
    void requeue() noexcept { requeue_ = true; }

    // Polled again: has the wait ended, and how?
    wake end_wait() noexcept {
        wait_state const s = claim_word::state(claim_.load());
        if (s != wait_state::fired && s != wait_state::cancelling) {
            return wake::none;
        }
        claim_.reset();
        waiting_in_ = nullptr;
        return s == wait_state::fired ? wake::fired : wake::cancelled;
    }

    // ---- For sources, on any thread.

    // What the fiber waits for has come. False: it is being cancelled, the caller lost.
    bool fire() noexcept {
        switch (claim_.fire()) {
        case wait_state::waiting:
        case wait_state::masked: post(); return true;
        case wait_state::cancelling: return false;
        default: return true;
        }
    }
    // The same in two steps, for a source that decides under a lock and posts after it.
    // True in `post_it`: the fiber must be posted.
    bool try_fire(bool& post_it) noexcept {
        wait_state const found = claim_.fire();
        post_it = found == wait_state::waiting || found == wait_state::masked;
        return found != wait_state::cancelling;
    }
    void post() noexcept { scheduler_->post(*this); }
    void wake_cancelled() noexcept { post(); }
    claim_word& claim() noexcept { return claim_; }

    // ---- For whoever cancels, on any thread.

    // Cancels `r`, a region of this fiber. True: the fiber is frozen and the caller must call
    // finish_cancel() once it holds no lock.
    bool cancel_region(region& r) noexcept {
        r.cancelled.store(true, std::memory_order_release); // seen by who sees the request below
        claim_word::value seen = claim_.request();
        while (claim_word::state(seen) == wait_state::waiting &&
               r.depth.load(std::memory_order_relaxed) > claim_word::shield(seen)) {
            if (claim_.try_cancel(seen)) {
                return true;
            }
        }
        return false;
    }
    void finish_cancel() noexcept { waiting_in_->cancel(*this); }

    // Asks the fiber to end. The first who asks is remembered.
    void request_interrupt(fiber_id by) noexcept {
        if (interrupt_member(by)) {
            finish_cancel();
        }
    }
    // For diagnostics, on the scheduler's thread: what the fiber waits for; null: it is ready.
    char const* waits_for() const noexcept {
        switch (claim_word::state(claim_.load())) {
        case wait_state::waiting: return waiting_in_->what();
        case wait_state::masked: return "its children";
        default: return nullptr;
        }
    }

    bool interrupt_requested() const noexcept { return root_.cancelled.load(std::memory_order_acquire); }
    fiber_id interrupted_by() const noexcept {
        auto const by = interrupted_by_.load(std::memory_order_relaxed);
        return fiber_id{by == unasked ? 0 : by};
    }

    // ---- For awaiters and promises of this fiber.

    void push_frame(frame& callee, completion_base& record) noexcept {
        callee.caller = top_;
        callee.fiber = this;
        callee.completion = &record;
        top_ = &callee;
    }
    frame* top() const noexcept { return top_; }
    void set_top(frame* f) noexcept { top_ = f; }

    // The coroutine suspends into the run loop, which goes on from `s`.
    std::coroutine_handle<> to_loop(status s) noexcept {
        last_ = s;
        return std::noop_coroutine();
    }

    // Goes on with `to`, the top frame. Symmetric transfer is no tail call on GCC below -O2 and
    // under sanitizers, so the depth of inline transfers is bounded.
    std::coroutine_handle<> transfer(frame& to) noexcept {
        constexpr unsigned inline_transfers = 200;
        if (++transfers_ == inline_transfers) [[unlikely]] {
            return to_loop(status::call);
        }
        return to.handle;
    }

    // `callee`, the top frame, ended with a value or a defect, suspended at its final point.
    std::coroutine_handle<> return_from(frame& callee) noexcept {
        if (callee.forked) [[unlikely]] {
            hand_over_children(callee);
        }
        top_ = callee.caller;
        if (callee.completion->resumes_caller) [[likely]] {
            return transfer(*top_);
        }
        return to_loop(status::value);
    }

    suppressed_list suppressed; // thrown by finalizers since the cause that unwinds now

    enum class start { queued, here };
    void start_in_nursery(void const* under, start how = start::queued) noexcept;

protected:
    ~fiber_base() = default;

    // Makes the root frame. Throws what the user's callable throws.
    virtual void begin() = 0;
    // Records how the fiber ended before its first frame ran, or after its last.
    virtual void end_cancelled() noexcept = 0;
    virtual void end_defect(std::exception_ptr thrown) noexcept = 0;
    virtual status root_status() const noexcept = 0;
    // Destroys frame, callable and arguments, and publishes the outcome.
    virtual void publish() noexcept = 0;
    virtual void destroy() noexcept = 0;

private:
    enum class phase : unsigned char { start, run, unwind, finish, leave };
    static constexpr std::uint64_t unasked = ~std::uint64_t{0};

    static bool visible_cancelled(region const* r, std::uint32_t shield) noexcept {
        for (; r != nullptr && r->depth.load(std::memory_order_relaxed) > shield; r = r->outer) {
            if (r->cancelled.load(std::memory_order_acquire)) {
                return true;
            }
        }
        return false;
    }

    static void run_posted(runnable& r) noexcept { static_cast<fiber_base&>(r).run_fiber(); }

    bool interrupt_member(fiber_id by) noexcept final {
        std::uint64_t nobody = unasked;
        interrupted_by_.compare_exchange_strong(nobody, by.value, std::memory_order_relaxed);
        return cancel_region(root_);
    }
    void finish_interrupt() noexcept final { finish_cancel(); }
    void nursery_quiet() noexcept final { fire(); }

    void run_fiber() noexcept;
    bool step() noexcept;
    bool begin_first() noexcept;
    bool resume_top() noexcept;
    bool unwind_top() noexcept;
    bool finish() noexcept;
    bool leave() noexcept;
    bool park() noexcept;
    bool go_to_the_end() noexcept {
        requeue_ = false;
        post();
        return false;
    }
    bool await_children(void const* under) noexcept;
    void hand_over_children(frame& from) noexcept;

    static fiber_id next_id() noexcept;

    scheduler* scheduler_;
    frame* top_ = nullptr;
    leaf* waiting_in_ = nullptr;
    region* regions_ = &root_;
    claim_word claim_;
    claim_word::value clean_ = 0; // the word at which no visible region was cancelled
    unsigned transfers_ = 0;
    phase phase_ = phase::start;
    status last_ = status::call;
    bool requeue_ = false;
    bool resume_ = false;         // resume the top frame before polling
    atomic<std::uint32_t> references_{1};
    atomic<std::uint64_t> interrupted_by_{unasked};
    fiber_id id_ = next_id();
    region root_;
    nursery* parent_;
    nursery children_;
};

inline fiber_id current_fiber_id() noexcept {
    fiber_base* const f = this_worker().fiber;
    return f != nullptr ? f->id() : fiber_id{};
}

COIR_SHARED inline fiber_id fiber_base::next_id() noexcept {
    static constinit atomic<std::uint64_t> last{0};
    return fiber_id{last.fetch_add(1, std::memory_order_relaxed) + 1};
}

// Joins the parent and is queued, or runs here up to its first suspension. In a closed nursery
// it ends interrupted without starting.
inline void fiber_base::start_in_nursery(void const* under, start how) noexcept {
    if (!parent_->add(*this, under)) {
        parent_ = nullptr;
        request_interrupt(fiber_id{});
        end_cancelled();
        publish();
        release();
        return;
    }
    if (how == start::here) {
        run_fiber();
    } else {
        post();
    }
}

inline void fiber_base::run_fiber() noexcept {
    worker& w = this_worker();
    worker const before = w;
    w.fiber = this;
    w.unwinding = 0;
    while (step()) {
    }
    // The fiber may be gone or run elsewhere by now; the worker is still this thread's. Another
    // fiber goes on here if it started this one in place.
    w = before;
}

// One step; false: the fiber was parked or has ended, and must not be touched.
inline bool fiber_base::step() noexcept {
    switch (phase_) {
    case phase::start: return begin_first();
    case phase::run: return resume_top();
    case phase::unwind: return unwind_top();
    case phase::finish: return finish();
    case phase::leave: return leave();
    }
    return false;
}

inline bool fiber_base::begin_first() noexcept {
    phase_ = phase::finish;
    if (cancel_requested()) {
        end_cancelled();
        return true;
    }
    try {
        begin();
        resume_ = true;
        phase_ = phase::run;
    } catch (...) {
        end_defect(std::current_exception());
    }
    return true;
}

inline bool fiber_base::resume_top() noexcept {
    status s{};
    if (!resume_) {
        s = top_->waits_in->poll(*this);
        resume_ = s == status::value || s == status::defect;
        if (resume_) {
            return true;
        }
    } else {
        resume_ = false;
        transfers_ = 0;
        top_->handle.resume();
        s = last_;
    }
    switch (s) {
    case status::pending: return requeue_ ? go_to_the_end() : !park();
    case status::call: resume_ = true; return true;
    case status::unwind: phase_ = phase::unwind; return true;
    case status::value: // a frame returned; its caller's operation is polled next
    case status::defect: phase_ = top_ != nullptr ? phase::run : phase::finish; return true;
    default: phase_ = phase::unwind; return true;
    }
}

inline bool fiber_base::unwind_top() noexcept {
    frame& f = *top_;
    if (f.forked && !await_children(&f)) {
        return !park();
    }
    top_ = f.caller;
    worker& w = this_worker();
    ++w.unwinding;
    f.completion->destroy_frame();
    --w.unwinding;
    phase_ = top_ != nullptr ? phase::run : phase::finish;
    return true;
}

// The end of the body is an interruption point, once: who asks later, while the children are
// awaited, gets the outcome as it is. A failure stays what it is.
inline bool fiber_base::finish() noexcept {
    if (root_status() == status::value && cancel_requested()) {
        end_cancelled();
    }
    phase_ = phase::leave;
    return true;
}

inline bool fiber_base::leave() noexcept {
    if (!await_children(nullptr)) {
        return !park();
    }
    children_.close();
    publish();
    if (parent_ != nullptr) {
        parent_->remove(*this);
    }
    release();
    return false;
}

// Interrupts the children forked under a frame, or all. True: they are gone.
inline bool fiber_base::await_children(void const* under) noexcept {
    if (end_wait() == wake::none && children_.size() == 0) {
        return true;
    }
    children_.interrupt(id_, under);
    waiting_in_ = nullptr;
    return children_.wait(*this, under);
}

// A callee that returned leaves its children to its caller, whose frame they may refer to.
inline void fiber_base::hand_over_children(frame& from) noexcept {
    children_.reparent(&from, from.caller);
    if (from.caller != nullptr) {
        from.caller->forked = true;
    }
}

// Commits the suspension. True: the fiber belongs to who wakes it; false: it goes on.
inline bool fiber_base::park() noexcept {
    for (;;) {
        claim_word::value now = claim_.load();
        if (claim_word::state(now) == wait_state::fired) {
            return false;
        }
        if (waiting_in_ == nullptr) {
            if (claim_.commit(now, wait_state::masked)) {
                return true;
            }
        } else if (now != clean_ && visible_cancelled(regions_, claim_word::shield(now))) {
            leaf& l = *waiting_in_;
            if (claim_.try_cancel(now)) {
                l.cancel(*this);
                return true;
            }
        } else {
            // What the word will be when the fiber runs again, unless somebody asks meanwhile.
            clean_ = now + claim_word::version_one;
            if (claim_.commit(now)) {
                return true;
            }
            clean_ = now;
        }
    }
}

} // namespace coir::inline v0::detail
