// Whether a fiber may be cancelled, and who gets to wake it: the claim on its suspension and its
// stack of cancel regions.
//
// The outermost region is the fiber itself; timeouts and their like push one each. A mask is a
// shield: regions at or below its depth cannot reach what runs inside.
#pragma once

#include <coir/detail/claim.hpp>
#include <coir/detail/region.hpp>

namespace coir::inline v0::detail {

class fiber_base;

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

class cancel_state {
public:
    cancel_state() noexcept { root_.depth.store(1, std::memory_order_relaxed); }
    cancel_state(cancel_state const&) = delete;
    cancel_state& operator=(cancel_state const&) = delete;

    // ---- For the fiber itself.

    // A visible region was cancelled: what has not begun must not begin.
    bool cancel_requested() noexcept {
        claim_word::value const now = claim_.load();
        if (claim_word::requests(now) == clean_) {
            return false;
        }
        if (visible_cancelled(regions_, claim_word::shield(now))) {
            return true;
        }
        clean_ = claim_word::requests(now);
        return false;
    }

    void push_region(region& r) noexcept {
        r.outer = regions_;
        r.depth.store(regions_->depth.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        regions_ = &r;
    }
    // Regions are left in the reverse order of entering.
    void pop_region(region& r) noexcept { regions_ = r.outer; }

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

    // Polled again: has the wait ended, and how?
    wake end_wait() noexcept {
        claim_word::value const now = claim_.load();
        if (claim_word::turn(now) != turn_) {
            turn_ = claim_word::turn(now);
            waiting_in_ = nullptr;
            return wake::fired;
        }
        if (claim_word::state(now) == wait_state::cancelling) {
            claim_.reset();
            waiting_in_ = nullptr;
            return wake::cancelled;
        }
        return wake::none;
    }

    // ---- For others, on any thread.

    claim_word& claim() noexcept { return claim_; }

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
    // For diagnostics, on the scheduler's thread: what the fiber waits for; null: it is ready.
    char const* waits_for() const noexcept {
        switch (claim_word::state(claim_.load())) {
        case wait_state::waiting: return waiting_in_->what();
        case wait_state::masked: return "its children";
        default: return nullptr;
        }
    }

protected:
    ~cancel_state() = default;

    enum class parked { committed, fired, cancelling };

    // Commits the suspension. committed: the fiber belongs to who wakes it; fired: it goes on;
    // cancelling: it is to be cancelled, by the caller.
    parked commit_wait() noexcept {
        for (;;) {
            claim_word::value now = claim_.load();
            if (claim_word::turn(now) != turn_) {
                return parked::fired;
            }
            if (waiting_in_ == nullptr) {
                if (claim_.commit(now, wait_state::masked)) {
                    return parked::committed;
                }
            } else if (claim_word::requests(now) != clean_ && visible_cancelled(regions_, claim_word::shield(now))) {
                if (claim_.try_cancel(now)) {
                    return parked::cancelling;
                }
            } else {
                // What is to be found when the fiber runs again, unless somebody asks meanwhile.
                clean_ = claim_word::requests(now + claim_word::version_one);
                if (claim_.commit(now)) {
                    return parked::committed;
                }
                clean_ = claim_word::requests(now);
            }
        }
    }

    leaf& waiting_in() const noexcept { return *waiting_in_; }
    region& root_region() noexcept { return root_; }
    region const& root_region() const noexcept { return root_; }

private:
    static bool visible_cancelled(region const* r, std::uint32_t shield) noexcept {
        for (; r != nullptr && r->depth.load(std::memory_order_relaxed) > shield; r = r->outer) {
            if (r->cancelled.load(std::memory_order_acquire)) {
                return true;
            }
        }
        return false;
    }

    claim_word claim_;
    claim_word::value clean_ = 0; // its requests() when no visible region was cancelled
    claim_word::value turn_ = 0;  // of the last wait that ended
    leaf* waiting_in_ = nullptr;
    region* regions_ = &root_;
    region root_;
};

} // namespace coir::inline v0::detail
