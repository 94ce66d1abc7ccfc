// A fiber's control block, apart from its result: a stack of coroutine frames, the claim on its
// suspension with its cancel regions, and its children. How it runs is in fiber_loop.hpp.
#pragma once

#include <coir/detail/cancel_state.hpp>
#include <coir/detail/fiber_locals.hpp>
#include <coir/detail/frame.hpp>
#include <coir/detail/nursery.hpp>
#include <coir/detail/runnable.hpp>
#include <coir/detail/suppressed_list.hpp>
#include <coir/detail/worker.hpp>
#include <coir/runtime/scheduler.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace coir::inline v0::detail {

class fiber_base : public runnable, public cancel_state, public nursery_member, private nursery_waiter {
public:
    // Who ends its lifetime: the last reference, or whoever waits until it has left the nursery.
    // of_a_competitor: of its owner, too, in a group where one wins.
    enum class lifetime : unsigned char { counted, of_its_owner, of_a_competitor };

    fiber_base(scheduler& s, nursery& parent, lifetime l = lifetime::counted) noexcept
        : fiber_base{s, parent, l, this_worker()} {}

    fiber_id id() const noexcept { return id_; }
    scheduler& where() const noexcept { return *scheduler_; }
    nursery& children() noexcept { return children_; }
    std::string_view name() const noexcept { return name_ ? std::string_view{*name_} : std::string_view{}; }
    void set_name(std::unique_ptr<std::string> n) noexcept { name_ = std::move(n); } // before it starts
    bool is_member_of(nursery const& n) const noexcept { return parent_ == &n; }

    // ---- Lifetime: the running fiber and each handle hold a reference.
    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // The last one sees what the others did with the block. Whoever finds itself alone is the
        // last, as only a holder can make another one.
        if (references_.load(std::memory_order_acquire) == 1 ||
            references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            destroy();
        }
    }

    // The fiber goes to the end of its scheduler's queue instead of waiting for something:
    // followed by status::pending.
    void requeue() noexcept { next_.store(next_step::queued, std::memory_order_relaxed); }

    // ---- For sources, on any thread.

    // What the fiber waits for has come. False: it is being cancelled, the caller lost.
    bool fire() noexcept {
        switch (claim().fire()) {
        case wait_state::waiting:
        case wait_state::masked: post(); return true;
        case wait_state::cancelling: return false;
        default: return true;
        }
    }
    // The same in two steps, for a source that decides under a lock and posts after it.
    // True in `post_it`: the fiber must be posted.
    bool try_fire(bool& post_it) noexcept {
        wait_state const found = claim().fire();
        post_it = found == wait_state::waiting || found == wait_state::masked;
        return found != wait_state::cancelling;
    }
    // The same for a source that hands something over. Where one of several fibers wins, the others get
    // nothing that they would drop: such a one is refused and asked to end. True in `frozen`: the
    // caller must call finish_cancel() once it holds no lock.
    bool try_hand_over(bool& post_it, bool& frozen) noexcept {
        return competes() ? hand_over_to_member(post_it, frozen) : try_fire(post_it);
    }
    // For the fiber itself, before it takes something under the lock of a source. False: it must
    // wait for it in line instead, and is refused it there.
    bool competes() const noexcept { return lifetime_ == lifetime::of_a_competitor; }
    bool may_take() noexcept { return !competes() || member_may_take(); }
    // try_hand_over() would fail, now and until the fiber goes on.
    bool takes_nothing() const noexcept {
        return claim_word::state(seen_claim()) == wait_state::cancelling || (competes() && member_has_lost());
    }

    void post() noexcept { scheduler_->post(*this); }
    void wake_cancelled() noexcept { post(); }

    // ---- For whoever cancels, on any thread.

    COIR_NOINLINE void finish_cancel() noexcept { // rare, and the run loop is better off without it
        note_leaving(top_ != nullptr ? top_->site : await_site{});
        waiting_in().cancel(*this);
    }

    // Asks the fiber to end. The first who asks is remembered.
    void request_interrupt(fiber_id by) noexcept {
        if (interrupt_member(by)) {
            finish_cancel();
        }
    }
    bool interrupt_requested() const noexcept { return root_region().cancelled.load(std::memory_order_acquire); }
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

    // For who reads it: it stands in its scheduler's queue to begin, or to go on after a yield. Any
    // thread; relaxed, as the answer may be old by the time it is looked at.
    bool is_queued() const noexcept { return next_.load(std::memory_order_relaxed) == next_step::queued; }

    suppressed_list suppressed; // thrown by finalizers since the cause that unwinds now
    // That cause is a failure which is handled here, and what is beside it goes with it: a fiber
    // may handle failures for ever.
    void forget_suppressed() noexcept { suppressed = suppressed_list{}; }
    fiber_locals locals; // of whoever made the fiber, and what was bound since

    enum class start { queued, here };
    void start_in_nursery(void const* under, start how = start::queued) noexcept;
    // For the first time, as a member of its nursery.
    void begin_running(start how) noexcept;
    // The same where nobody owns it: it ends interrupted without starting.
    void end_unstarted() noexcept;

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

    // Of one that competes.
    virtual bool hand_over_to_member(bool& post_it, bool&) noexcept { return try_fire(post_it); }
    virtual bool member_may_take() noexcept { return true; }
    virtual bool member_has_lost() const noexcept { return false; }

private:
    fiber_base(scheduler& s, nursery& parent, lifetime l, worker& here) noexcept
        : runnable{&fiber_base::run_posted}, locals{here.fiber != nullptr ? here.fiber->locals : fiber_locals{}},
          scheduler_{&s}, lifetime_{l}, id_{next_id(here)}, parent_{&parent} {}

    enum class phase : unsigned char { start, run, unwind, leave };
    // How the top frame goes on. Written by the fiber alone; atomic for who reads it meanwhile.
    enum class next_step : unsigned char { poll, resume, queued };
    static constexpr std::uint64_t unasked = ~std::uint64_t{0};

    friend class direct_calls;

    static void run_posted(runnable& r) noexcept { static_cast<fiber_base&>(r).run_fiber(); }

    bool interrupt_member(fiber_id by) noexcept final {
        std::uint64_t nobody = unasked;
        interrupted_by_.compare_exchange_strong(nobody, by.value, std::memory_order_relaxed);
        return cancel_region(root_region());
    }
    void finish_interrupt() noexcept final { finish_cancel(); }
    void nursery_quiet() noexcept final { fire(); }

    void run_fiber() noexcept;
    bool step() noexcept;
    bool begin_first() noexcept;
    bool resume_top() noexcept;
    // resume_top() as long as frames return and yield; the rest is left to it.
    COIR_NOINLINE status go_on_above(frame const* below) noexcept {
        status s = last_;
        while (top_ != below && (s == status::value || s == status::defect)) {
            s = top_->waits_in->poll(*this);
            if (s == status::value || s == status::defect) {
                top_->handle.resume();
                s = last_;
            }
        }
        return unwinds(s) ? status::unwind : s;
    }
    bool leave_top() noexcept;
    bool go_on_unwinding() noexcept;
    bool finish() noexcept;
    bool leave() noexcept;
    void depart() noexcept;
    // True: the fiber belongs to who wakes it; false: it goes on.
    bool park() noexcept {
        parked const how = commit_wait();
        if (how == parked::cancelling) {
            this_worker().fiber = nullptr; // callbacks that come by run in no fiber: this one may be gone
            finish_cancel();
        }
        return how != parked::fired;
    }
    bool go_to_the_end() noexcept {
        post();
        return false;
    }
    void leave_frame_to_its_owner(frame& f) noexcept;
    bool await_children(void const* under) noexcept;
    void hand_over_children(frame& from) noexcept;

    static fiber_id next_id(worker& w) noexcept;

    scheduler* scheduler_;
    frame* top_ = nullptr;
    unsigned transfers_ = 0;
    unsigned direct_calls_ = 0; // of them, on the native stack
    phase phase_ = phase::start;
    status last_ = status::call;
    lifetime const lifetime_;
    atomic<next_step> next_{next_step::queued};
    atomic<std::uint32_t> references_{2}; // of the running fiber, and of the handle to come
    atomic<std::uint64_t> interrupted_by_{unasked};
    fiber_id id_;
    nursery* parent_;
    nursery children_;
    std::unique_ptr<std::string> name_;
};

inline fiber_id current_fiber_id() noexcept {
    fiber_base* const f = this_worker().fiber;
    return f != nullptr ? f->id() : fiber_id{};
}

// Taken in blocks, so that forking threads do not meet at one counter. 0 is nobody.
COIR_SHARED inline fiber_id fiber_base::next_id(worker& w) noexcept {
    constexpr std::uint64_t block = 1024;
    static constinit atomic<std::uint64_t> blocks{0};
    if (w.next_id % block == 0) {
        w.next_id = blocks.fetch_add(block, std::memory_order_relaxed);
    }
    return fiber_id{++w.next_id};
}

} // namespace coir::inline v0::detail

#include <coir/detail/fiber_loop.hpp>
