// Whether a fiber may be cancelled, and who gets to wake it: the claim on its suspension and its
// stack of cancel regions.
//
// The outermost region is the fiber itself; timeouts and their like push one each. A mask is a
// shield: regions at or below its depth cannot reach what runs inside.
#pragma once

#include <coir/detail/await_site.hpp>
#include <coir/detail/claim.hpp>
#include <coir/detail/region.hpp>
#include <coir/outcome.hpp>

namespace coir::inline v0::detail {

class fiber_base;

// The operation that a suspended fiber waits for.
class leaf {
public:
    // The fiber is frozen by `cancelling`. Takes its waiter out of the source's hands and then
    // calls wake_cancelled(), here or on the thread that holds the waiter just now.
    virtual void cancel(fiber_base& f) noexcept = 0;

    // For diagnostics: what it is, as in "deferred" or "sleep"; a literal. Whose end, if a fiber's.
    virtual char const* what() const noexcept = 0;
    virtual fiber_id whose() const noexcept { return {}; }

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
        if (claim_word::requests(now) == claim_word::requests(seen())) {
            return false;
        }
        if (visible_cancelled(regions_, claim_word::shield(now))) {
            return true;
        }
        seen_.store(claim_word::requests(now) | claim_word::turn(seen()), std::memory_order_relaxed);
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
    // No region reaches what runs here.
    bool is_masked() const noexcept { return shield() >= regions_->depth.load(std::memory_order_relaxed); }

    // A leaf is about to hand out its waiter; cancel_requested() was false just before.
    void begin_wait(leaf* l) noexcept { waiting_in_ = l; }
    // A wait that nobody may cancel. `what` as leaf::what().
    void begin_masked_wait(char const* what) noexcept {
        waiting_in_ = nullptr;
        masked_in_ = what;
    }

    // Polled again: has the wait ended, and how?
    wake end_wait() noexcept {
        claim_word::value const now = claim_.load();
        if (claim_word::turn(now) != claim_word::turn(seen())) {
            seen_.store(seen() ^ claim_word::turn_bit, std::memory_order_relaxed);
            waiting_in_ = nullptr;
            return wake::fired;
        }
        if (claim_word::state(now) == wait_state::cancelling) {
            claim_.reset();
            waiting_in_ = nullptr;
            leaving_.store(nullptr, std::memory_order_relaxed);
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

    // ---- For who reads the fiber, on any thread; see fiber_walk.hpp.

    claim_word::value seen_claim() const noexcept { return claim_.load(); }
    // What it waited for has come, and it has not gone on yet.
    bool is_woken() const noexcept {
        claim_word::value const now = claim_.load();
        return claim_word::state(now) == wait_state::running && claim_word::turn(now) != claim_word::turn(seen());
    }

    // True: the fiber was suspended, and stays so, with all it refers to, until let_go().
    bool hold() noexcept {
        claim_word::value seen = claim_.load();
        while (claim_word::state(seen) == wait_state::waiting || claim_word::state(seen) == wait_state::masked) {
            if (claim_.hold(seen)) {
                return true;
            }
        }
        return false;
    }

    enum class parked { committed, fired, cancelling };

    // After hold(). Unless `committed`, who fired it or cancelled it meanwhile left the rest to the
    // caller, who must post() it or finish_cancel() without a lock.
    [[nodiscard]] parked let_go() noexcept { return commit_wait(); }

    // What it waits for, if it is held.
    leaf const* held_in() const noexcept { return waiting_in_; }
    char const* masked_in() const noexcept { return masked_in_; }
    // What it waited for, if it is being cancelled. Null: not known yet, or no more.
    char const* leaving() const noexcept { return leaving_.load(std::memory_order_relaxed); }
    await_site leaving_at() const noexcept { return leaving_at_.load(std::memory_order_relaxed); }

protected:
    ~cancel_state() = default;

    // Commits the suspension. committed: the fiber belongs to who wakes it; fired: it goes on;
    // cancelling: it is to be cancelled, by the caller.
    parked commit_wait() noexcept {
        for (;;) {
            claim_word::value now = claim_.load();
            if (claim_word::turn(now) != claim_word::turn(seen())) {
                return parked::fired;
            }
            if (waiting_in_ == nullptr) {
                if (claim_.commit(now, wait_state::masked)) {
                    return parked::committed;
                }
            } else if (claim_word::requests(now) != claim_word::requests(seen()) &&
                       visible_cancelled(regions_, claim_word::shield(now))) {
                if (claim_.try_cancel(now)) {
                    return parked::cancelling;
                }
            } else {
                // What is to be found when the fiber runs again, unless somebody asks meanwhile.
                seen_.store(claim_word::past(now + claim_word::version_one), std::memory_order_relaxed);
                if (claim_.commit(now)) {
                    return parked::committed;
                }
                seen_.store(claim_word::past(now), std::memory_order_relaxed);
            }
        }
    }

    leaf& waiting_in() const noexcept { return *waiting_in_; }
    // relaxed: of interest only as long as the claim says `cancelling`, which is read before.
    void note_leaving(await_site at) noexcept {
        leaving_at_.store(at, std::memory_order_relaxed);
        leaving_.store(waiting_in_->what(), std::memory_order_relaxed);
    }
    region& root_region() noexcept { return root_; }
    region const& root_region() const noexcept { return root_; }

private:
    claim_word::value seen() const noexcept { return seen_.load(std::memory_order_relaxed); }
    static bool visible_cancelled(region const* r, std::uint32_t shield) noexcept {
        for (; r != nullptr && r->depth.load(std::memory_order_relaxed) > shield; r = r->outer) {
            if (r->cancelled.load(std::memory_order_acquire)) {
                return true;
            }
        }
        return false;
    }

    claim_word claim_;
    // The claim's past(): requests() when no visible region was cancelled, turn() when the last
    // wait had ended. Written by the fiber alone; atomic for who reads it meanwhile.
    atomic<claim_word::value> seen_{0};
    leaf* waiting_in_ = nullptr;
    char const* masked_in_ = nullptr;
    atomic<char const*> leaving_{nullptr};
    atomic<await_site> leaving_at_{await_site{}};
    region* regions_ = &root_;
    region root_;
};

} // namespace coir::inline v0::detail
