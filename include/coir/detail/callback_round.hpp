// The callbacks of one completion: code of users, so they run last, with no lock held, when all
// waiters that go on elsewhere have been let go and this thread keeps no fiber frozen.
//
// Each belongs to an object that may be destroyed at any time, here (from inside a callback) or on
// another thread: a callback that has not begun is taken out, one that runs elsewhere is awaited.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/parker.hpp>
#include <coir/detail/relax.hpp>
#include <coir/detail/spin_lock.hpp>
#include <coir/detail/worker.hpp>

#include <mutex>
#include <utility>

namespace coir::inline v0::detail {

class callback_round;

//     armed --completion--> queued --its turn--> running --> finished
//       |                     |                     '--its owner waits--> awaited --> finished
//       '--leaving, left      '--withdrawn
class callback_entry {
public:
    callback_entry() = default;
    callback_entry(callback_entry const&) = delete;
    callback_entry& operator=(callback_entry const&) = delete;

protected:
    ~callback_entry() = default;

    enum class state : unsigned char { armed, leaving, left, queued, withdrawn, running, awaited, finished };

    virtual void call(bool abandoned) noexcept = 0;

    // acq_rel: whoever takes the entry over has seen what the one before did with it.
    bool change(state& from, state to) noexcept {
        return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel, std::memory_order_acquire);
    }

    // The owner is about to go. `seen`: not armed, and not leaving.
    inline void withdraw(state seen) noexcept;

    atomic<state> state_{state::armed};
    parker parker_; // of the owner, when it waits

private:
    friend class callback_round;
    friend class callback_list;

    // After the callback has returned; the entry may be gone afterwards.
    void finish() noexcept {
        if (state_.exchange(state::finished, std::memory_order_acq_rel) == state::awaited) {
            parker_.unpark();
        }
    }

    callback_round* round_ = nullptr; // valid while queued, withdrawn or running
    callback_entry* before_ = nullptr;
    callback_entry* after_ = nullptr;
    bool abandoned_ = false;
};

// Lives on the stack of the thread that completes, or in what is to be closed (callback_list).
class callback_round {
public:
    callback_round() = default;
    callback_round(callback_round const&) = delete;
    callback_round& operator=(callback_round const&) = delete;

    // Queues `e`. `abandoned`: what it waits for is being destroyed without an outcome. False:
    // its owner is just leaving, it was not queued.
    bool add(callback_entry& e, bool abandoned) noexcept {
        used_ = true;
        e.round_ = this;
        e.abandoned_ = abandoned;
        link(e); // before it is seen as queued: then its owner may take it out
        auto armed = callback_entry::state::armed;
        if (e.change(armed, callback_entry::state::queued)) {
            return true;
        }
        drop(e);
        return false;
    }

    // Runs what was queued, in the order of queueing.
    void run() noexcept {
        if (used_) {
            run_all();
        }
    }

    // ---- For owners that leave.

    void drop(callback_entry& e) noexcept {
        std::lock_guard guard{lock_};
        unlink(e);
    }
    // The callback that runs just now is an outer call of this thread.
    bool is_run_here() const noexcept {
        callback_round const* r = this_worker().callbacks;
        while (r != nullptr && r != this) {
            r = r->outer_;
        }
        return r == this;
    }
    void running_is_gone() noexcept { running_is_gone_ = true; }

private:
    friend class callback_list;

    void run_all() noexcept {
        outer_ = std::exchange(this_worker().callbacks, this);
        call_all();
        this_worker().callbacks = outer_;
    }
    void call_all() noexcept {
        for (unsigned attempt = 0;;) {
            bool empty = false;
            if (callback_entry* const e = take(empty)) {
                running_is_gone_ = false;
                e->call(e->abandoned_);
                if (!running_is_gone_) {
                    e->finish();
                }
            } else if (empty) {
                return;
            } else {
                relax(attempt++); // the rest is inside drop()
            }
        }
    }

    void link(callback_entry& e) noexcept {
        std::lock_guard guard{lock_};
        append(e);
    }
    void append(callback_entry& e) noexcept {
        e.before_ = last_;
        (last_ != nullptr ? last_->after_ : first_) = &e;
        last_ = &e;
    }
    void unlink(callback_entry& e) noexcept {
        (e.before_ != nullptr ? e.before_->after_ : first_) = e.after_;
        (e.after_ != nullptr ? e.after_->before_ : last_) = e.before_;
    }

    // The next that is not being withdrawn; those take themselves out, so they keep the round.
    callback_entry* take(bool& empty) noexcept {
        std::lock_guard guard{lock_};
        for (callback_entry* e = first_; e != nullptr; e = e->after_) {
            auto queued = callback_entry::state::queued;
            if (e->change(queued, callback_entry::state::running)) {
                unlink(*e);
                return e;
            }
        }
        empty = first_ == nullptr;
        return nullptr;
    }

    spin_lock lock_;
    bool used_ = false;
    bool running_is_gone_ = false;
    callback_round* outer_ = nullptr; // whose callback this thread runs outside of this round
    callback_entry* first_ = nullptr;
    callback_entry* last_ = nullptr;
};

// While it lives this thread runs no code of users: it holds fibers that it froze and has not yet
// let go, or has told only some of those who wait for the same. (A callback may wait for these,
// as when it destroys a registration or a deferred.) What is completed meanwhile queues its
// callbacks with the outermost of these objects, whose end runs them.
class callbacks_later {
public:
    callbacks_later() noexcept : here_{this_worker()}, outer_{here_.later} {
        if (outer_ == nullptr) {
            here_.later = &own_;
        }
    }
    // They join `round`, which is run by its owner.
    explicit callbacks_later(callback_round& round) noexcept
        : here_{this_worker()}, outer_{std::exchange(here_.later, &round)} {}
    callbacks_later(callbacks_later const&) = delete;
    callbacks_later& operator=(callbacks_later const&) = delete;
    ~callbacks_later() {
        here_.later = outer_;
        own_.run();
    }

    callback_round& round() noexcept { return *here_.later; }

private:
    worker& here_;
    callback_round* const outer_;
    callback_round own_;
};

// What a waiter is told when the list it waits at is done.
class firing {
public:
    firing(callback_round& callbacks, bool abandoned) noexcept : callbacks_{callbacks}, abandoned_{abandoned} {}

    // The list is being destroyed without an outcome.
    bool is_abandoned() const noexcept { return abandoned_; }
    // False: the owner of `e` is just leaving, it will not be called.
    bool add(callback_entry& e) const noexcept { return callbacks_.add(e, abandoned_); }
    callback_round& callbacks() const noexcept { return callbacks_; }

private:
    callback_round& callbacks_;
    bool const abandoned_;
};

inline void callback_entry::withdraw(state seen) noexcept {
    if (seen == state::queued && change(seen, state::withdrawn)) {
        round_->drop(*this);
    } else if (seen == state::running) {
        if (round_->is_run_here()) {
            round_->running_is_gone(); // destroyed from inside its own callback
        } else if (change(seen, state::awaited)) {
            parker_.park();
        }
    }
}

} // namespace coir::inline v0::detail
