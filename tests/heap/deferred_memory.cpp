// One deferred that lives long, is never completed, and is given up again and again: what it and
// its waiters hold stays what it was, however often. (Where that went wrong in other libraries it
// took days of a server's life to show.) Ten million times with COIR_STRESS_SCALE=20.
#include "count_allocations.hpp"

#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::fiber;
using coir::task;

namespace {

task<> value_of(deferred<int>& d) { static_cast<void>(co_await d); }

// What a long series of waits that were given up has cost.
struct series {
    unsigned given_up = 0;
    long most_live = 0;
    std::size_t most_waiting = 0;
};

task<series> give_up_often(deferred<int>& d, unsigned times) {
    series s;
    auto const before = allocations_so_far();
    for (unsigned i = 1; i <= times; ++i) {
        auto const got = co_await coir::timeout(d, 1ns);
        s.given_up += got ? 0 : 1;
        s.most_live = (std::max)(s.most_live, allocations_so_far().live() - before.live());
        s.most_waiting = (std::max)(s.most_waiting, d.waiter_count());
    }
    co_return s;
}

// Others wait all the while, in front of those that come and go.
void check_constant(unsigned times, std::size_t others) {
    coir::test_scheduler scheduler;
    scheduler.set_turn_limit(~0ULL);
    auto const all = [=]() -> task<series> {
        deferred<int> d;
        std::vector<fiber<>> waiters;
        for (std::size_t i = 0; i < others; ++i) {
            waiters.push_back(coir::fork(value_of, std::ref(d)));
        }
        co_await coir::yield();
        series const s = co_await give_up_often(d, times);
        d.succeed(1);
        co_await coir::join_all(waiters);
        co_return s;
    };
    series const s = scheduler.run(all).value();
    CHECK(s.given_up == times);
    CHECK(scheduler.elapsed() == std::chrono::nanoseconds{times}); // each did wait
    CHECK(s.most_live <= 2);                                       // the scheduler's queue
    CHECK(s.most_waiting == others);
}

} // namespace

TEST_CASE("awaits of one deferred that are given up take no memory, however many there were [D22]") {
    check_constant(500'000 * coir_test::stress_scale(), 0);
}

TEST_CASE("awaits that are given up behind others that wait leave nothing with the deferred [D22]") {
    check_constant(200'000 * coir_test::stress_scale(), 3);
}

TEST_CASE("awaits that are interrupted on several threads leave nothing with the deferred [D22]") {
    unsigned const rounds = 20'000 * coir_test::stress_scale();
    coir::thread_pool pool{3};
    deferred<int> d;
    long most_live = 0;
    // Each interrupted by another fiber, when it comes to it: registering, waiting, or not yet.
    auto const all = [&]() -> task<> {
        auto const before = allocations_so_far();
        for (unsigned i = 0; i < rounds; ++i) {
            auto const first = coir::fork(value_of, std::ref(d));
            auto const second = coir::fork(value_of, std::ref(d));
            if (i % 4 != 0) co_await coir::yield();
            first.request_interrupt();
            second.request_interrupt();
            co_await first.await();
            co_await second.await();
            if (i == 100) most_live = allocations_so_far().live() - before.live();
        }
        most_live = allocations_so_far().live() - before.live() - most_live;
    };
    CHECK(pool.run(all).is_success());
    CHECK(most_live <= 8); // the last fibers may not be gone yet
    CHECK(d.waiter_count() == 0);
}
