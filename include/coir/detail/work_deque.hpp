// The ready work of one worker: its owner takes the newest, thieves take the oldest.
//
//     if (!deque.push(work)) {             // owner: full
//         deque.take_half(batch);          // owner: the older half, for the shared queue
//     }
//     runnable* mine = deque.pop();        // owner
//     runnable* theirs = deque.steal();    // any thread, the owner too
//
// A bounded Chase-Lev deque (Chase, Lev: Dynamic Circular Work-Stealing Deque, 2005; Lê, Pop,
// Cohen, Zappa Nardelli: Correct and Efficient Work-Stealing for Weak Memory Models, 2013),
// with seq_cst operations where the latter has fences, which ThreadSanitizer does not see.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/runnable.hpp>

#include <cstddef>
#include <cstdint>

namespace coir::inline v0::detail {

// Slots [top_, bottom_) hold work, modulo the capacity. Only the owner writes bottom_ and the
// slots; top_ only grows, by a compare-exchange whose winner owns the slots it passed. A slot is
// written again only when top_ has passed it, so a thief that read it before lost its exchange.
//
// Why the newest is not taken twice: the owner takes slot b without an exchange when it has
// stored bottom_ = b and then read top_ < b. A thief takes slot b after it has read top_ = b and
// then bottom_ > b. All four are seq_cst, so in their one order the thief's read of top_, and so
// that of bottom_, comes after the owner's read of top_, and so after its store of bottom_: the
// thief reads b there, or what a later push wrote.
class work_deque {
public:
#if defined(COIR_MODEL_ATOMIC)
    static constexpr std::size_t capacity = 2; // soon full, with few atomics
#else
    static constexpr std::size_t capacity = 256;
#endif

    work_deque() = default;
    work_deque(work_deque const&) = delete;
    work_deque& operator=(work_deque const&) = delete;

    // False: full. Owner.
    [[nodiscard]] bool push(runnable& work) noexcept {
        auto const bottom = bottom_.load(std::memory_order_relaxed); // its only writer is this thread
        // acquire: pairs with the exchange in steal(), whose thief has read the slot by then.
        if (bottom - top_.load(std::memory_order_acquire) >= capacity) {
            return false;
        }
        // relaxed: published by the store of bottom_.
        slot(bottom).store(&work, std::memory_order_relaxed);
        // seq_cst, where the deque itself needs release (pairs with steal()): who pushes and then
        // looks for sleepers, and who goes to sleep and then looks at the deque, must not both miss.
        bottom_.store(bottom + 1, std::memory_order_seq_cst);
        return true;
    }

    // The newest, or nothing. Owner.
    runnable* pop() noexcept {
        auto const bottom = bottom_.load(std::memory_order_relaxed);
        // Empty for good: only the owner adds. A stale top_ is only too small. relaxed: no slot is read.
        if (top_.load(std::memory_order_relaxed) == bottom) {
            return nullptr;
        }
        auto const newest = bottom - 1;
        bottom_.store(newest, std::memory_order_seq_cst);
        auto top = top_.load(std::memory_order_seq_cst);
        if (static_cast<std::int64_t>(newest - top) > 0) {
            return slot(newest).load(std::memory_order_relaxed); // written by this thread
        }
        // The last one, and thieves may want it too; or they have it already.
        runnable* work = nullptr;
        if (top == newest && top_.compare_exchange_strong(top, bottom, std::memory_order_seq_cst)) {
            work = slot(newest).load(std::memory_order_relaxed);
        }
        // relaxed: empty again, so there is no slot that a thief could read after this value.
        bottom_.store(bottom, std::memory_order_relaxed);
        return work;
    }

    // The oldest, or nothing if it was empty. Any thread.
    runnable* steal() noexcept {
        auto top = top_.load(std::memory_order_seq_cst);
        for (;;) {
            // Also acquire: pairs with push(), for the slot and what the work consists of.
            auto const bottom = bottom_.load(std::memory_order_seq_cst);
            if (static_cast<std::int64_t>(bottom - top) <= 0) {
                return nullptr;
            }
            runnable* const work = slot(top).load(std::memory_order_relaxed);
            // release: the slot has been read before the owner sees that it may write it again.
            if (top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst)) {
                return work;
            }
        }
    }

    // Moves the older half to `out`, oldest first. Owner, which therefore takes none by pop()
    // meanwhile: that makes one exchange for all of them safe.
    void take_half(runnable_queue& out) noexcept {
        auto const bottom = bottom_.load(std::memory_order_relaxed);
        auto top = top_.load(std::memory_order_relaxed);
        std::uint64_t half = 0;
        do {
            half = (bottom - top + 1) / 2;
        } while (!top_.compare_exchange_weak(top, top + half, std::memory_order_seq_cst));
        for (auto i = top; i != top + half; ++i) {
            out.push(*slot(i).load(std::memory_order_relaxed)); // written by this thread
        }
    }

    // A snapshot, ordered with what the caller did before by seq_cst. Any thread.
    bool empty() const noexcept {
        auto const top = top_.load(std::memory_order_seq_cst);
        return static_cast<std::int64_t>(bottom_.load(std::memory_order_seq_cst) - top) <= 0;
    }

private:
    atomic<runnable*>& slot(std::uint64_t index) noexcept { return slots_[index % capacity]; }

    // Wide enough that they never wrap. Apart, for thieves write one and the owner the other.
    alignas(cache_line) atomic<std::uint64_t> top_{0};
    alignas(cache_line) atomic<std::uint64_t> bottom_{0};
    atomic<runnable*> slots_[capacity] = {};
};

} // namespace coir::inline v0::detail
