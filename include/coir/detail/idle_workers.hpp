// Who sleeps in a pool, who searches for work, and who wakes for the next deadline.
//
//     publish(work);                             // by seq_cst, as everything below
//     idle.notify();                             // wakes one sleeper, if that is called for
//
//     idle.enlist(me);                           // me.searching passes to nobody
//     if (nothing_published()) idle.sleep(me);
//     idle.delist(me);                           // may have become the searcher
//
// No wake-up is lost. Someone is responsible for published work: the searcher, or else who next
// goes to sleep. The poster publishes and then reads state_; a worker writes state_ (ends its
// search, or enlists) and then looks at what is published. All four are seq_cst, so one of
// them sees the other: either the poster finds no searcher and wakes a sleeper, or the worker
// finds the work. Hence the duties of the pool: a worker that has enlisted looks once more before
// it sleeps; and one that was responsible, as it searched or found something by that last look,
// looks once more when it has taken some work, for there may be more, and wakes the next.
//
// At most one worker searches: a burst of posts wakes one, and that one wakes the next.
//
// Deadlines: due_ is never later than the earliest armed timer, once lower_deadline() for it has
// returned, but while a worker takes out what is due, which it ends by lower_deadline(). One
// sleeper, the keeper, sleeps until then; the others without an end. With a deadline and sleepers,
// one of them is the keeper or awake to become it: a keeper that is told to work is the last
// sleeper, and one that wakes by itself calls appoint_keeper() before it works.
#pragma once

#include <coir/detail/parker.hpp>
#include <coir/detail/spin_lock.hpp>
#include <coir/detail/std/chrono.hpp>

#include <cstdint>
#include <mutex>

namespace coir::inline v0::detail {

// A worker as it sleeps. `searching` belongs to its thread; the rest to idle_workers.
struct sleeper {
    parker bed;
    bool searching = false;
    bool listed = false;
    sleeper* below = nullptr;
};

class idle_workers {
public:
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr time_point never = (time_point::max)();

    // Work was published. Any thread.
    void notify() noexcept {
        if (wants_searcher(state_.load(std::memory_order_seq_cst))) {
            wake_one();
        }
    }

    // True: `me` is the searcher now. Worker.
    bool try_search(sleeper& me) noexcept {
        if ((state_.load(std::memory_order_relaxed) & searching) == 0) { // a hint; the lock decides
            std::lock_guard guard{lock_};
            if (!searched_) {
                searched_ = me.searching = true;
                store_state();
            }
        }
        return me.searching;
    }

    // The searcher found work, or leaves for good. Then it must look at what is published.
    void end_search(sleeper& me) noexcept {
        std::lock_guard guard{lock_};
        searched_ = me.searching = false;
        store_state();
    }

    // Lists `me` as asleep; a search ends. Then it must look at what is published, and sleep if
    // there is nothing.
    void enlist(sleeper& me) noexcept {
        std::lock_guard guard{lock_};
        if (me.searching) {
            searched_ = me.searching = false;
        }
        me.listed = true;
        me.below = top_;
        top_ = &me;
        bool const keeps = keeper_ == nullptr;
        keeper_ = keeps ? &me : keeper_;
        store_state();
        if (keeps) {
            // After the store, as with work: who lowers it now sees a sleeper and takes the lock.
            kept_ = to_time(due_.load(std::memory_order_seq_cst));
        }
    }

    // Returns when woken, at the deadline if `me` is the keeper, or for no reason.
    void sleep(sleeper& me) noexcept {
        time_point const until = sleeps_until(me);
        if (until == never) {
            me.bed.park();
        } else {
            me.bed.park_until(until);
        }
    }

    // `me` is awake; if someone woke it for work, it is the searcher. A token that is still to
    // come is harmless: one sleep returns for no reason.
    void delist(sleeper& me) noexcept {
        std::lock_guard guard{lock_};
        if (!me.listed) {
            me.searching = true;
            return;
        }
        sleeper** link = &top_;
        while (*link != &me) {
            link = &(*link)->below;
        }
        unlist(link);
        store_state();
    }

    // Wakes all that sleep, for no work: they look around.
    void wake_all() noexcept {
        std::lock_guard guard{lock_};
        for (sleeper* s = top_; s != nullptr; s = s->below) {
            s->bed.unpark();
        }
    }

    // The earliest deadline may be this one. Any thread.
    void lower_deadline(time_point at) noexcept {
        auto const wanted = at.time_since_epoch().count();
        auto seen = due_.load(std::memory_order_relaxed);
        while (wanted < seen) {
            // seq_cst: published before state_ is read, as work is.
            if (due_.compare_exchange_weak(seen, wanted, std::memory_order_seq_cst)) {
                if ((state_.load(std::memory_order_seq_cst) & asleep) != 0) {
                    wake_keeper(at);
                }
                return;
            }
        }
    }

    // Before the timers are asked for their next deadline, which is then lowered to.
    void forget_deadline() noexcept {
        // relaxed: the timers' lock orders it. A timer armed too late for the answer was armed
        // after this, and its lower_deadline() cannot see what was here before.
        due_.store(never.time_since_epoch().count(), std::memory_order_relaxed);
    }

    // relaxed: who lowers it at the same time sees to the rest.
    time_point deadline() const noexcept { return to_time(due_.load(std::memory_order_relaxed)); }

    // The caller, awake, may have been the keeper and now goes to work.
    void appoint_keeper() noexcept {
        auto const seen = state_.load(std::memory_order_seq_cst);
        if ((seen & asleep) != 0 && (seen & kept) == 0 && deadline() != never) {
            wake_keeper(deadline());
        }
    }

private:
    // state_ = kept | searching | asleep, a summary of what the lock guards, for those who only look.
    static constexpr std::uint32_t asleep = 1;    // someone sleeps
    static constexpr std::uint32_t searching = 2; // someone searches
    static constexpr std::uint32_t kept = 4;      // a sleeper is the keeper

    static time_point to_time(time_point::rep due) noexcept { return time_point{time_point::duration{due}}; }

    static bool wants_searcher(std::uint32_t state) noexcept { return (state & (asleep | searching)) == asleep; }

    void store_state() noexcept {
        state_.store((top_ != nullptr ? asleep : 0U) | (searched_ ? searching : 0U) | (keeper_ != nullptr ? kept : 0U),
                     std::memory_order_seq_cst);
    }

    // Unlocks before it wakes: the beds live as long as the pool.
    void wake_one() noexcept {
        sleeper* woken = nullptr;
        {
            std::lock_guard guard{lock_};
            if (searched_ || top_ == nullptr) {
                return;
            }
            // The keeper is woken last.
            sleeper** const link = top_ == keeper_ && top_->below != nullptr ? &top_->below : &top_;
            woken = *link;
            unlist(link);
            searched_ = true; // on behalf of the woken one, which delist() tells
            store_state();
        }
        woken->bed.unpark();
    }

    // Someone must sleep until `at`, or less. Without a keeper, any sleeper looks around and
    // becomes it as it goes to sleep again.
    void wake_keeper(time_point at) noexcept {
        sleeper* woken = nullptr;
        {
            std::lock_guard guard{lock_};
            if (keeper_ == nullptr) {
                woken = top_;
            } else if (at < kept_) {
                kept_ = at;
                woken = keeper_;
            }
        }
        if (woken != nullptr) {
            woken->bed.unpark();
        }
    }

    time_point sleeps_until(sleeper const& me) noexcept {
        std::lock_guard guard{lock_};
        return keeper_ == &me ? kept_ : never;
    }

    void unlist(sleeper** link) noexcept {
        sleeper& s = **link;
        *link = s.below;
        s.listed = false;
        if (keeper_ == &s) {
            keeper_ = nullptr;
        }
    }

    atomic<std::uint32_t> state_{0};
    atomic<time_point::rep> due_{never.time_since_epoch().count()};
    spin_lock lock_;
    sleeper* top_ = nullptr;
    sleeper* keeper_ = nullptr;
    time_point kept_ = never; // until when the keeper sleeps
    bool searched_ = false;
};

} // namespace coir::inline v0::detail
