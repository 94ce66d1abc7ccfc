// Fibers in line for what a lock guards: an element, room for one, a turn.
//
//     // a fiber begins to wait, under the lock         // a source serves the first, under the lock
//     f.begin_wait(this);                                w.item = take();
//     line_.join(*this, f);                              if (!wakes.claim(w, leaving_)) give_back(w.item);
//     return status::pending;                            // wakes posts the fibers after the lock
//
// What is handed over is in the waiter before the claim: a fiber that had not parked yet goes on
// by itself at once, without the lock. A source that loses the claim to a canceller still has
// the waiter: its canceller must come through the lock (withdraw) before the fiber runs again.
// Until then the waiter stands in the line `leaving`, for which a destructor waits.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/relax.hpp>
#include <coir/detail/spin_lock.hpp>

#include <cstddef>
#include <mutex>

namespace coir::inline v0::detail {

class any_line;

class line_waiter {
public:
    line_waiter() = default;
    line_waiter(line_waiter&&) noexcept {} // before it waits there is nothing to move
    line_waiter& operator=(line_waiter&&) = delete;

    // While it stands in line: nothing can be handed to it any more.
    bool is_lost() const noexcept { return fiber_->takes_nothing(); }

protected:
    ~line_waiter() = default;

private:
    friend class any_line;
    friend class wake_batch;

    line_waiter* previous_ = nullptr;
    line_waiter* next_ = nullptr;
    any_line* line_ = nullptr;
    fiber_base* fiber_ = nullptr;
};

// First in, first out. Every operation is O(1) and needs the lock.
class any_line {
public:
    any_line() = default;
    any_line(any_line const&) = delete;
    any_line& operator=(any_line const&) = delete;

    bool empty() const noexcept { return first_ == nullptr; }
    std::size_t size() const noexcept { return size_; }

    void join(line_waiter& w, fiber_base& f) noexcept {
        w.fiber_ = &f;
        append(w);
    }

    // Takes `w` out of whatever line it stands in.
    static void leave(line_waiter& w) noexcept {
        any_line& line = *w.line_;
        (w.previous_ != nullptr ? w.previous_->next_ : line.first_) = w.next_;
        (w.next_ != nullptr ? w.next_->previous_ : line.last_) = w.previous_;
        --line.size_;
    }

protected:
    line_waiter* first() const noexcept { return first_; }
    static line_waiter* after(line_waiter& w) noexcept { return w.next_; }

private:
    friend class wake_batch;

    void append(line_waiter& w) noexcept {
        w.line_ = this;
        w.next_ = nullptr;
        w.previous_ = last_;
        (last_ != nullptr ? last_->next_ : first_) = &w;
        last_ = &w;
        ++size_;
    }

    line_waiter* first_ = nullptr;
    line_waiter* last_ = nullptr;
    std::size_t size_ = 0;
};

template <class Waiter>
class waiting_line : public any_line {
public:
    // There must be one.
    Waiter& front() const noexcept { return static_cast<Waiter&>(*first()); }

    // Calls `f` with each, which may take the one it is called with out of the line.
    template <class F>
    void for_each(F f) noexcept {
        for (line_waiter* next = first(); next != nullptr;) {
            line_waiter& w = *next;
            next = after(w);
            f(static_cast<Waiter&>(w));
        }
    }
};

// Fibers that were claimed under a lock. Declared before the lock is taken, it posts them
// after the lock was released: nothing here touches the guarded object any more.
class wake_batch {
public:
    wake_batch() = default;
    wake_batch(wake_batch const&) = delete;
    wake_batch& operator=(wake_batch const&) = delete;
    ~wake_batch() {
        while (runnable* const r = claimed_.pop()) {
            static_cast<fiber_base&>(*r).post();
        }
        while (runnable* const r = refused_.pop()) {
            static_cast<fiber_base&>(*r).finish_cancel();
        }
    }

    // Takes `w`, which was handed something, out of its line and claims its fiber. True: `w` may be
    // gone. False: the fiber is being cancelled, and `w` stands in `leaving` until its canceller has
    // taken the lock.
    [[nodiscard]] bool claim(line_waiter& w, any_line& leaving) noexcept {
        bool frozen = false;
        bool const done =
            settle(w, leaving, [&](fiber_base& f, bool& post_it) { return f.try_hand_over(post_it, frozen); });
        if (frozen) {
            refused_.push(*w.fiber_); // ours too, until it is cancelled
        }
        return done;
    }

    // The same where nothing was handed over that a loser would have to take back.
    void wake(line_waiter& w, any_line& leaving) noexcept {
        settle(w, leaving, [](fiber_base& f, bool& post_it) { return f.try_fire(post_it); });
    }

    // One that was claimed already, or null.
    void add(fiber_base* claimed) noexcept {
        if (claimed != nullptr) {
            claimed_.push(*claimed);
        }
    }

private:
    template <class Fire>
    bool settle(line_waiter& w, any_line& leaving, Fire fire) noexcept {
        any_line::leave(w);
        fiber_base& f = *w.fiber_;
        bool post_it = false;
        if (!fire(f, post_it)) {
            leaving.append(w);
            return false;
        }
        if (post_it) {
            claimed_.push(f); // suspended and ours, so its link is free
        }
        return true;
    }

    runnable_queue claimed_;
    runnable_queue refused_; // frozen
};

// For destructors: cancellers that have frozen a fiber but not yet taken the lock are a few
// instructions away from it.
inline void await_cancellers(spin_lock& lock, any_line const& leaving) noexcept {
    for (unsigned attempt = 0;; ++attempt) {
        {
            std::lock_guard guard{lock};
            if (leaving.empty()) {
                return;
            }
        }
        relax(attempt);
    }
}

} // namespace coir::inline v0::detail
