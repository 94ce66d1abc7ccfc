// Work that any thread gives to one, which may be asleep: a stack that others push and the owner
// takes as a whole. Lock-free.
//
//     giver:  if (mailbox.push(work)) parker.unpark();
//     owner:  mailbox.take(ready);  ...  if (mailbox.fall_asleep()) parker.park();
//
// Exactly one of all who find the owner asleep is told so, and unparks it. Until that thread has
// done so the owner must not go away: it parks until it has the token, even if it woke by itself.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/runnable.hpp>

namespace coir::inline v0::detail {

//     empty --push--> newest --take--> empty --fall_asleep--> asleep --push--> newest
//                                                             asleep --wake--> empty
class mailbox {
public:
    mailbox() = default;
    mailbox(mailbox const&) = delete;
    mailbox& operator=(mailbox const&) = delete;

    // Any thread. True: the owner is asleep, and the caller must unpark it.
    [[nodiscard]] bool push(runnable& r) noexcept {
        runnable* seen = newest_.load(std::memory_order_relaxed);
        do {
            r.next = seen == asleep() ? nullptr : seen;
            // release: pairs with take(). acquire: what is under it came before, FIFO for the owner.
        } while (!newest_.compare_exchange_weak(seen, &r, std::memory_order_acq_rel, std::memory_order_relaxed));
        return seen == asleep();
    }

    // Any thread; takes away the mark of sleep. True: the caller must unpark the owner. By the
    // owner itself, when it woke for another reason. False: somebody else unparks it.
    [[nodiscard]] bool wake() noexcept {
        runnable* seen = asleep();
        return newest_.compare_exchange_strong(seen, nullptr, std::memory_order_acq_rel, std::memory_order_acquire);
    }

    // ---- For the owner.

    // A hint: what is pushed just now may be overlooked.
    bool empty() const noexcept { return newest_.load(std::memory_order_relaxed) == nullptr; }

    // Moves everything to the end of `to`, in the order of pushing.
    void take(runnable_queue& to) noexcept {
        runnable* newest = newest_.exchange(nullptr, std::memory_order_acquire);
        runnable* oldest = nullptr;
        while (newest != nullptr) {
            runnable* const older = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = older;
        }
        while (oldest != nullptr) {
            runnable& r = *oldest;
            oldest = r.next;
            to.push(r);
        }
    }

    // False: something was pushed, so do not sleep.
    [[nodiscard]] bool fall_asleep() noexcept {
        runnable* seen = nullptr;
        return newest_.compare_exchange_strong(seen, asleep(), std::memory_order_acq_rel, std::memory_order_acquire);
    }

private:
    // An address that no runnable has.
    runnable* asleep() noexcept { return reinterpret_cast<runnable*>(&newest_); }

    atomic<runnable*> newest_{nullptr};
};

} // namespace coir::inline v0::detail
