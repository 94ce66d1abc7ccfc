// The state word of a deferred: a flag that is set once, and who waits for it.
//
//     63 .. 3                          2         1         0
//    [ newest entry of the stack    | janitor | claimed | done ]
//
// A waiter owns two entries, so nothing is ever allocated: `wait`, pushed when it begins to wait,
// and `removal`, pushed when it has to leave early. Pushing the first removal makes the pusher
// the *janitor*: it alone takes entries out of the middle, until it releases the word. Others
// only push, so the word never comes back to a value with the same head while a janitor looks.
//
//   push     done: refused.  Else CAS the head; flags stay.
//   claim    fetch_or(claimed); who did not set it lost.
//   publish  no janitor: CAS to done|claimed with an empty stack, and wake what was taken.
//            janitor: CAS in done; the janitor wakes.
//   finish   claim and publish in one CAS, where there is no result to write in between.
//   remove   done, no janitor: the waker holds the waiter and will meet the canceller.
//            Else push the removal entry, and become the janitor if there was none.
//
// Each entry is walked once by a janitor in its life, so removal is O(1) amortised. Nothing here
// spins on another thread but abandon(), the end of an unfinished deferred.
//
// Memory order: entries are published by the release in push and remove, and read after an
// acquire of the same word; every change is an RMW, so release sequences reach whoever takes.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/relax.hpp>
#include <coir/detail/waiter.hpp>

#include <cstddef>
#include <cstdint>

namespace coir::inline v0::detail {

class waiter_list {
public:
    waiter_list() = default;
    waiter_list(waiter_list const&) = delete;
    waiter_list& operator=(waiter_list const&) = delete;

    // acquire: pairs with publish(); what was written before it is visible.
    bool is_done() const noexcept { return (word_.load(std::memory_order_acquire) & done) != 0; }
    bool is_claimed() const noexcept { return (word_.load(std::memory_order_acquire) & claimed) != 0; }

    // As is_done(), for a loop that looks before each turn; is_done() has to confirm it. The compiler
    // may look once for many turns if these synchronise with nobody (Clang: and write no memory), as
    // none of them can be after the completion then. No load that C++ has permits that: Clang leaves
    // those alone, and takes an asm out of a loop; GCC does neither, but it takes a plain load out,
    // and one that races gives it what the word was at some moment.
#if COIR_TSAN || defined(COIR_MODEL_ATOMIC) || !defined(__GNUC__)
    bool seems_done() const noexcept { return is_done(); }
#elif !defined(__clang__)
    bool seems_done() const noexcept { return (reinterpret_cast<word const&>(word_) & done) != 0; }
#elif defined(__x86_64__)
    bool seems_done() const noexcept {
        word now;
        __asm__("movq %1, %0" : "=r"(now) : "m"(word_));
        return (now & done) != 0;
    }
#else
    bool seems_done() const noexcept { return is_done(); }
#endif

    // False: done already, `w` was not pushed.
    [[nodiscard]] bool push(waiter& w) noexcept {
        entry& e = w.wait();
        e.unlink();
        word now = word_.load(std::memory_order_acquire);
        do {
            if ((now & done) != 0) {
                return false;
            }
            e.older = head(now);
        } while (!exchange(now, with_head(now, &e)));
        return true;
    }

    // True for the one caller that may write the result and then calls publish().
    // relaxed: the winner writes what nobody reads before publish().
    [[nodiscard]] bool claim() noexcept { return (word_.fetch_or(claimed, std::memory_order_relaxed) & claimed) == 0; }

    // The result is written. Wakes all waiters in the order of their coming; the list may be
    // destroyed by the first of them.
    void publish() noexcept {
        word now = word_.load(std::memory_order_relaxed);
        while (!exchange(now, (now & janitor) != 0 ? now | done : done | claimed)) {
        }
        if ((now & janitor) == 0) {
            wake_all(head(now), false);
        }
    }

    // claim() and publish() in one step, for a result that was there from the beginning.
    [[nodiscard]] bool finish() noexcept {
        word now = word_.load(std::memory_order_relaxed);
        do {
            if ((now & claimed) != 0) {
                return false;
            }
        } while (!exchange(now, (now & janitor) != 0 ? now | done | claimed : done | claimed));
        if ((now & janitor) == 0) {
            wake_all(head(now), false);
        }
        return true;
    }

    enum class removal { asked, with_waker };

    // `w`, whose fiber is frozen, must leave. asked: removed() will be called, or has been.
    // with_waker: fired() is called, or has been; the two sides settle who resumes the fiber.
    // relaxed: no entry is read before the exchange, and the two sides meet with an order of theirs.
    removal remove(waiter& w) noexcept {
        entry& e = w.removal();
        word now = word_.load(std::memory_order_relaxed);
        do {
            if ((now & (done | janitor)) == done) {
                return removal::with_waker;
            }
            e.older = head(now);
        } while (!exchange(now, with_head(now, &e) | janitor));
        if ((now & janitor) == 0) {
            clean(with_head(now, &e) | janitor);
        }
        return removal::asked;
    }

    // The list is about to be destroyed. If it was not published, its waiters are told so. Waits
    // for cancellers that are inside on other threads - the only wait in here. No push may
    // happen any more.
    void abandon() noexcept {
        word const now = word_.load(std::memory_order_acquire);
        if (now == 0) {
            word_.store(done | claimed, std::memory_order_relaxed); // nobody waits, and nobody comes any more
        } else if ((now & (done | janitor)) != done) {
            abandon_waiters(now);
        }
    }

    // How many wait just now; removals in progress may or may not count. Diagnostics only: the
    // caller must know that no waiter leaves meanwhile.
    std::size_t count() const noexcept {
        std::size_t waits = 0;
        std::size_t removals = 0;
        for (entry const* e = head(word_.load(std::memory_order_acquire)); e != nullptr; e = e->older) {
            ++(e->is_removal() ? removals : waits);
        }
        return waits - removals;
    }

private:
    using word = std::uintptr_t;
    using entry = waiter_entry;

    static constexpr word done = 1;
    static constexpr word claimed = 2;
    static constexpr word janitor = 4;
    static constexpr word flags = 7;

    static entry* head(word w) noexcept { return reinterpret_cast<entry*>(w & ~flags); }
    static word with_head(word w, entry* e) noexcept { return reinterpret_cast<word>(e) | (w & flags); }

    bool exchange(word& expected, word desired) noexcept {
        return word_.compare_exchange_weak(expected, desired, std::memory_order_acq_rel, std::memory_order_acquire);
    }

    static void wake_all(entry* newest, bool abandoned) noexcept {
        if (newest == nullptr) {
            return;
        }
        callback_round callbacks;
        wake(newest, {callbacks, abandoned});
        callbacks.run();
    }

    void abandon_waiters(word now) noexcept {
        for (unsigned spins = 0; (now & done) == 0;) {
            if ((now & janitor) == 0) {
                if (exchange(now, done | claimed)) {
                    wake_all(head(now), true);
                    return;
                }
            } else {
                relax(spins++);
                now = word_.load(std::memory_order_acquire);
            }
        }
        // Done but with a janitor still at work: it holds the list until it clears the flag.
        for (unsigned spins = 0; (word_.load(std::memory_order_acquire) & janitor) != 0;) {
            relax(spins++);
        }
    }

    // Wakes a stack oldest first. Each link is read before its waiter is told.
    static void wake(entry* newest, firing how) noexcept {
        entry* oldest = nullptr;
        while (newest != nullptr) {
            entry* const older = newest->older;
            newest->older = oldest;
            oldest = newest;
            newest = older;
        }
        while (oldest != nullptr) {
            waiter& w = waiter::of_wait(*oldest);
            oldest = oldest->older;
            w.fired(how);
        }
    }

    // The janitor's work. `seen`: the word as this thread made it, its newest entry on top.
    void clean(word seen) noexcept {
        callbacks_later later; // they end the work, or that of who does more than this
        entry* removed = nullptr;
        entry* clean_head = nullptr; // what is left of the entries looked at so far
        entry* looked_at = nullptr;  // the entry on top of those
        for (;;) {
            clean_head = sweep(head(seen), looked_at, clean_head, removed);
            looked_at = head(seen);
            word now = seen;
            if ((now & done) != 0) {
                // Everything is taken at once; from here on removers meet the waker instead.
                if (exchange(now, done | claimed)) {
                    wake(clean_head, {later.round(), false});
                    break;
                }
            } else if (exchange(now, (now & claimed) | reinterpret_cast<word>(clean_head))) {
                break;
            }
            seen = now;
        }
        // Only now: with its last waiter the list may die.
        while (removed != nullptr) {
            waiter& w = waiter::of_removal(*removed);
            removed = removed->older;
            w.removed();
        }
    }

    // Links the entries from `newest` down to `stop`, which was looked at before and of which
    // `rest` is left (or, with no `stop`, down to what an earlier janitor linked). Takes out the
    // removals among them with their waiters, adds those to `removed`, returns what is left.
    static entry* sweep(entry* newest, entry* stop, entry* rest, entry*& removed) noexcept {
        entry* left = nullptr;
        entry* newer = nullptr;
        entry* leaving = nullptr; // removals; their waiters lie below them
        entry* e = newest;
        while (e != nullptr && e != stop && !e->is_linked()) {
            entry* const older = e->older;
            if (e->is_removal()) {
                e->older = leaving;
                leaving = e;
            } else {
                link(newer, e, left);
                newer = e;
            }
            e = older;
        }
        // The entries at and below `stop` have become `rest`.
        link(newer, stop != nullptr ? rest : e, left);
        while (leaving != nullptr) {
            entry* const removal = leaving;
            leaving = removal->older;
            unlink(waiter::of_removal(*removal).wait(), left);
            removal->older = removed;
            removed = removal;
        }
        return left;
    }

    static void link(entry* newer, entry* e, entry*& newest) noexcept {
        (newer != nullptr ? newer->older : newest) = e;
        if (e != nullptr) {
            e->link(newer);
        }
    }
    static void unlink(entry& e, entry*& newest) noexcept {
        (e.newer() != nullptr ? e.newer()->older : newest) = e.older;
        if (e.older != nullptr) {
            e.older->link(e.newer());
        }
    }

    atomic<word> word_{0};
};

} // namespace coir::inline v0::detail
