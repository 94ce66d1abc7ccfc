// Memory orders of the library that no schedule misses when they, and they alone, are a step weaker.
// Each is the second of two safeguards, or costs nothing and keeps an argument short, but for one.
#pragma once

#include <string_view>

namespace scenario {

struct harmless_order {
    std::string_view what;
    std::string_view reason;
};

inline constexpr harmless_order harmless_orders[] = {
    {"claim.hpp claim_word::request, read-modify-write acq_rel -> release",
     "What is read of the fiber after it is read by who froze it, and try_cancel() acquires what the fiber published "
     "by its commit. The depth of a region was stored before the region was handed to who cancels it. With acquire, "
     "a depth that changes between two suspensions would be safe too."},
    {"claim.hpp claim_word::replace, failed compare-exchange acquire -> relaxed",
     "A canceller that fails looks at the depth of its region again; in no scene is a region entered twice at different "
     "depths. That it belongs to the word just read keeps the argument to one line."},
    {"deferred_cell.hpp thread_waiter::wait_until, read-modify-write acq_rel -> acquire",
     "waiting to leaving: what fired() reads of the thread was published by push(), and nothing was written since."},
    {"deferred_cell.hpp thread_waiter::wait_until, read-modify-write acq_rel -> release",
     "Who finds that it was woken parks next, and the parker acquires."},
    // Not harmless, but nothing that a scene can show.
    {"deferred_cell.hpp thread_waiter::wait_until, store release -> relaxed",
     "It lets the end of an unfinished deferred go on. No scene ends one under a plain thread, as it would have to know "
     "that the thread waits already; interleaving/deferred_end.cpp arranges that, and not for weaker memory."},
    {"idle_workers.hpp idle_workers::lower_deadline, failed compare-exchange seq_cst -> acquire",
     "Who fails compares again with what it found, and looks at nothing else before it succeeds."},
    // Not harmless, but nothing that a scene can show.
    {"idle_workers.hpp idle_workers::appoint_keeper, load seq_cst -> acquire",
     "It tells of a deadline that is still to come while the keeper goes to work. In the scenes deadlines have passed, as "
     "no time does."},
    {"region_signal.hpp region_signal::leave, compare-exchange acq_rel -> acquire",
     "armed to leaving: what the signal's thread reads of the fiber was published by push(), and nothing was written since."},
    {"region_signal.hpp region_signal::leave, compare-exchange acq_rel -> release",
     "armed to leaving: the signal's thread has not written yet. Only failing has something to acquire, and is found."},
    {"region_signal.hpp region_signal::leave, compare-exchange acq_rel (2) -> acquire",
     "leaving to parked: who finds it parked fires the fiber, and fire() acquires what commit_wait() published after it."},
    {"region_signal.hpp region_signal::leave, compare-exchange acq_rel (2) -> release",
     "leaving to parked: the signal's thread has not written yet. Only failing has something to acquire, and is found."},
    // Not harmless: it walks entries that other threads pushed.
    {"waiter_list.hpp waiter_list::count, load acquire -> relaxed",
     "The scenes that ask how many wait know of every push already, by other means."},
    {"waiter_list.hpp waiter_list::abandon_waiters, load acquire -> relaxed",
     "It looks whether the janitor is gone; the exchange that follows acquires what that did."},
};

} // namespace scenario
