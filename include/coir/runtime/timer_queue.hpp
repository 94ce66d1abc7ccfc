// The armed timers of a scheduler, ordered by deadline and then by order of arming.
//
//     timers.arm(t, deadline);            // any thread, O(1)
//     timers.disarm(t);                   // any thread, O(log n) amortised
//     timers.run_expired(now);            // the scheduler, when something is due
//
// A pairing heap of intrusive nodes: nothing is allocated, and the earliest deadline is exact,
// which a virtual clock needs (Fredman, Sedgewick, Sleator, Tarjan: The Pairing Heap, 1986).
#pragma once

#include <coir/detail/callback_round.hpp>
#include <coir/detail/spin_lock.hpp>
#include <coir/runtime/timer.hpp>

#include <mutex>
#include <utility>

namespace coir::inline v0 {

class timer_queue {
public:
    using time_point = timer::time_point;
    static constexpr time_point never = (time_point::max)();

    // Arms `t`, which must not be armed. True: it is the earliest now, so a scheduler that
    // sleeps must be told. Any thread.
    bool arm(timer& t, time_point deadline) noexcept {
        std::lock_guard guard{lock_};
        t.deadline_ = deadline;
        t.sequence_ = ++sequence_;
        t.armed_ = true;
        t.child_ = t.next_ = t.prev_ = nullptr;
        set_root(meld(root_, &t));
        return root_ == &t;
    }

    // True: `t` was armed and is not any more. False: it had expired or was never armed.
    // Afterwards expire() is not running and will not run. Any thread.
    bool disarm(timer& t) noexcept {
        std::lock_guard guard{lock_};
        if (!t.armed_) {
            return false;
        }
        remove(t);
        return true;
    }

    // A hint, without a lock: what another thread arms just now may be overlooked.
    bool any_armed() const noexcept { return any_armed_.load(std::memory_order_relaxed); }

    // The earliest deadline, or `never`.
    time_point next_deadline() const noexcept {
        std::lock_guard guard{lock_};
        return root_ != nullptr ? root_->deadline_ : never;
    }

    // Expires everything that is due at `now`, in order. True: something was due.
    bool run_expired(time_point now) noexcept {
        return run_expired(now, [](time_point) {});
    }
    // Calls `tell_next(next_deadline())` before what the expired ones wake runs here, as that may be long.
    template <class F>
    bool run_expired(time_point now, F tell_next) noexcept {
        timer* finishing = nullptr;
        time_point next = never;
        bool any = false;
        {
            std::lock_guard guard{lock_};
            timer** last = &finishing;
            while (root_ != nullptr && root_->deadline_ <= now) {
                timer& due = *root_;
                remove(due);
                any = true;
                if (due.expire()) {
                    *last = &due;
                    last = &due.next_;
                    due.next_ = nullptr;
                }
            }
            next = root_ != nullptr ? root_->deadline_ : never;
        }
        tell_next(next);
        finish_all(finishing);
        return any;
    }

private:
    static void finish_all(timer* claimed) noexcept {
        if (claimed == nullptr) {
            return;
        }
        detail::callbacks_later const all_are_let_go;
        while (claimed != nullptr) {
            std::exchange(claimed, claimed->next_)->finish();
        }
    }

    static bool before(timer const& a, timer const& b) noexcept {
        return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.sequence_ < b.sequence_;
    }

    static timer* meld(timer* a, timer* b) noexcept {
        if (a == nullptr) {
            return b;
        }
        if (b == nullptr) {
            return a;
        }
        if (before(*b, *a)) {
            std::swap(a, b);
        }
        b->prev_ = a;
        b->next_ = a->child_;
        if (a->child_ != nullptr) {
            a->child_->prev_ = b;
        }
        a->child_ = b;
        return a;
    }

    // Melds siblings in two passes, without recursion: pairs left to right onto a stack, then
    // the stack into one heap.
    static timer* meld_siblings(timer* first) noexcept {
        timer* pairs = nullptr;
        while (first != nullptr) {
            timer* const a = first;
            timer* const b = a->next_;
            first = b != nullptr ? b->next_ : nullptr;
            a->next_ = a->prev_ = nullptr;
            if (b != nullptr) {
                b->next_ = b->prev_ = nullptr;
            }
            timer* const pair = meld(a, b);
            pair->next_ = pairs;
            pairs = pair;
        }
        timer* heap = nullptr;
        while (pairs != nullptr) {
            timer* const pair = std::exchange(pairs, pairs->next_);
            pair->next_ = nullptr;
            heap = meld(heap, pair);
        }
        return heap;
    }

    void remove(timer& t) noexcept {
        t.armed_ = false;
        timer* const children = meld_siblings(std::exchange(t.child_, nullptr));
        if (root_ == &t) {
            set_root(children);
            return;
        }
        (t.prev_->child_ == &t ? t.prev_->child_ : t.prev_->next_) = t.next_;
        if (t.next_ != nullptr) {
            t.next_->prev_ = t.prev_;
        }
        set_root(meld(root_, children));
    }

    void set_root(timer* t) noexcept {
        root_ = t;
        any_armed_.store(t != nullptr, std::memory_order_relaxed);
    }

    mutable detail::spin_lock lock_;
    timer* root_ = nullptr;
    std::uint64_t sequence_ = 0;
    detail::atomic<bool> any_armed_{false};
};

} // namespace coir::inline v0
