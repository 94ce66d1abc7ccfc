// One claim per suspension: completion, interruption and timeout race for a suspended fiber, and
// exactly one of them gets to resume it.
//
//     running --commit--> waiting --fire--> running, of the next turn
//        |                   |
//        |                   +--try_cancel--> cancelling --reset--> running
//        |                   +--hold--> running (until a reader commits it again)
//        +--fire--> running, of the next turn (the fiber goes on without suspending)
//
// The turn changes with every wait that ends by fire(): the fiber, which remembers the last one,
// sees by it that it was fired and has nothing to reset. `masked` is a wait that nobody may
// cancel. The word lives in the fiber's control block, which outlives its frames:
//
//     63                      20 19          4   3      2      1     0
//    [ version                  | shield      | met  | turn  | state  ]
//
// The version counts requests to cancel and commits. A counter and not a flag: with a flag that
// is already set, a second request between the fiber's look at its cancel regions and its
// commit would change nothing, and the fiber would sleep for ever. As commits count too, no
// value of the word ever comes back, so that a CAS on it speaks of one suspension only.
#pragma once

#include <coir/detail/atomic.hpp>

#include <cstdint>

namespace coir::inline v0::detail {

enum class wait_state : unsigned char { running, waiting, masked, cancelling };

class claim_word {
public:
    using value = std::uint64_t;

    static constexpr value state_mask = 3;
    static constexpr value turn_bit = 4;
    static constexpr value met_bit = 8;
    static constexpr unsigned shield_shift = 4;
    static constexpr value shield_mask = value{0xffff} << shield_shift;
    static constexpr value version_one = value{1} << 20;

    static constexpr wait_state state(value w) noexcept { return static_cast<wait_state>(w & state_mask); }
    static constexpr std::uint32_t shield(value w) noexcept {
        return static_cast<std::uint32_t>((w & shield_mask) >> shield_shift);
    }

    static constexpr value turn(value w) noexcept { return w & turn_bit; }
    // What a look at the cancel regions depends on: version and shield.
    static constexpr value requests(value w) noexcept { return w & ~(state_mask | turn_bit | met_bit); }
    // Both: what a fiber remembers of a word.
    static constexpr value past(value w) noexcept { return w & ~(state_mask | met_bit); }

    // acquire: pairs with request(), so that the flags set before it are seen.
    value load() const noexcept { return word_.load(std::memory_order_acquire); }

    // The fiber, suspended and out of its run loop's hands from here on. False: the word is not
    // `seen` any more. release: publishes the fiber to who wakes it.
    bool commit(value seen, wait_state as = wait_state::waiting) noexcept {
        return replace(seen, with_state(seen, as) + version_one);
    }

    // A source that fired. Returns the state it found:
    // waiting or masked - the caller schedules the fiber; running - it goes on by itself;
    // cancelling - the caller lost; what it holds may go to another waiter.
    wait_state fire() noexcept {
        value w = word_.load(std::memory_order_relaxed);
        while (state(w) != wait_state::cancelling) {
            if (replace(w, with_state(w, wait_state::running) ^ turn_bit)) {
                return state(w);
            }
        }
        // It stays so until this source has given up the waiter; meet() orders the two.
        return wait_state::cancelling;
    }

    // Somebody asks the fiber to look at its regions, one of which has its flag set already.
    // Returns the new word. release: publishes the flag; acquire: reads the fiber's regions.
    value request() noexcept { return word_.fetch_add(version_one, std::memory_order_acq_rel) + version_one; }

    // Freezes the fiber in order to cancel what it waits for. Updates `seen` when it fails.
    bool try_cancel(value& seen) noexcept { return replace(seen, with_state(seen, wait_state::cancelling)); }

    // Takes a suspended fiber back, so that nobody resumes it while it is read: to others it is as
    // if it had not committed yet. Updates `seen` when it fails.
    bool hold(value& seen) noexcept { return replace(seen, with_state(seen, wait_state::running)); }

    // Source and canceller met at one waiter: the second of them resumes the fiber. acq_rel:
    // the second sees all that the first did with the waiter.
    bool meet() noexcept { return (word_.fetch_or(met_bit, std::memory_order_acq_rel) & met_bit) != 0; }

    // relaxed: for who waits for the other and then calls meet(), which acquires.
    bool has_met() const noexcept { return (word_.load(std::memory_order_relaxed) & met_bit) != 0; }

    // The fiber, resumed as cancelled: back to running. relaxed: scheduling it was the
    // synchronisation.
    void reset() noexcept { word_.fetch_and(~(state_mask | met_bit), std::memory_order_relaxed); }

    // The fiber, running. A sum and not a store: others may count requests meanwhile.
    void set_shield(std::uint32_t depth) noexcept {
        value const now = word_.load(std::memory_order_relaxed) & shield_mask;
        word_.fetch_add((value{depth} << shield_shift) - now, std::memory_order_relaxed);
    }

private:
    static constexpr value with_state(value w, wait_state s) noexcept {
        return (w & ~state_mask) | static_cast<value>(s);
    }

    // acq_rel: the winner has seen what the one before published and publishes its own. acquire:
    // a canceller that fails looks at the depth of its region again, which belongs to the new word.
    bool replace(value& expected, value desired) noexcept {
        return word_.compare_exchange_strong(expected, desired, std::memory_order_acq_rel, std::memory_order_acquire);
    }

    atomic<value> word_{0};
};

} // namespace coir::inline v0::detail
