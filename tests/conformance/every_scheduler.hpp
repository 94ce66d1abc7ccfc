// Runs a scenario on every scheduler of the library: a run_loop, pools of one thread and of four,
// and the test scheduler first-in-first-out and under seeds.
//
//     auto const scenario = [](place const& at) -> coir::task<> { ... CHECK(...); };
//     on_every_scheduler(scenario);
//
// Only the scenario's own fiber may assert: Catch2 2 is not made for several threads at once.
#pragma once

#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/testing/test_scheduler.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>

namespace coir_test {

/// What a scenario may rely on where it runs.
struct place {
    coir::scheduler& scheduler;
    coir::test_scheduler* test; // or null
    bool one_thread;            // fibers run one after the other
    bool in_order;              // and in the order in which they became ready
};

using scenario = std::function<coir::task<>(place const&)>;

template <class Scheduler>
void run_scenario(std::string const& where, Scheduler& s, place const& at, scenario const& what) {
    INFO("on " << where);
    auto const end = s.run(std::cref(what), std::cref(at));
    CHECK(end.is_success());
}

inline void on_every_scheduler(scenario const& what, unsigned schedules = seeds()) {
    {
        coir::run_loop loop;
        run_scenario("a run_loop", loop, {loop, nullptr, true, true}, what);
    }
    for (unsigned const threads : {1U, 4U}) {
        coir::thread_pool pool{threads};
        run_scenario("a pool of " + std::to_string(threads), pool, {pool, nullptr, threads == 1, false}, what);
    }
    {
        coir::test_scheduler s;
        run_scenario("a test_scheduler in order", s, {s, &s, true, true}, what);
    }
    for (unsigned seed = 1; seed <= schedules; ++seed) {
        coir::test_scheduler s{seed};
        run_scenario("a test_scheduler with seed " + std::to_string(seed), s, {s, &s, true, false}, what);
    }
}

/// Lets others run until this many wait. None of them may leave meanwhile.
template <class Deferred>
coir::task<> until_waiting(Deferred& d, std::size_t waiters) {
    while (d.waiter_count() != waiters) {
        co_await coir::yield();
    }
}

} // namespace coir_test
