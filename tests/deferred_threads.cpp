// A deferred between threads: completers that race, waiters on several schedulers, plain threads
// that wait. What these cannot provoke, tests/stress and tests/model do.
#include <coir/deferred.hpp>
#include <coir/runtime/sync_wait.hpp>
#include <coir/testing/test_scheduler.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <barrier>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::task;

namespace {

constexpr std::size_t racers = 4;

// Runs `race(i)` on several threads at the same moment.
void race_threads(std::function<void(std::size_t)> const& race) {
    std::barrier start{static_cast<std::ptrdiff_t>(racers)};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < racers; ++i) {
        threads.emplace_back([&, i] {
            start.arrive_and_wait();
            race(i);
        });
    }
    for (auto& t : threads) {
        t.join();
    }
}

} // namespace

TEST_CASE("of many threads that complete one wins and all waiters see its outcome [D3]") {
    for (unsigned round = 0; round < 200 * coir_test::stress_scale(); ++round) {
        coir::test_scheduler s;
        deferred<std::size_t> d;
        auto const waits = [&]() -> task<std::size_t> { co_return co_await d; };
        auto const first = s.start(waits);
        auto const second = s.start(waits);
        s.run_ready();
        std::atomic<int> wins{0};
        std::atomic<std::size_t> winner{racers};
        race_threads([&](std::size_t i) {
            if (d.succeed(i)) {
                ++wins;
                winner = i;
            }
        });
        s.run_ready();
        REQUIRE(wins == 1);
        REQUIRE(first.poll()->value() == winner);
        REQUIRE(second.poll()->value() == winner);
    }
}

TEST_CASE("of many fibers on many threads one runs its task for the deferred [D9]") {
    for (unsigned round = 0; round < 100 * coir_test::stress_scale(); ++round) {
        deferred<int> d;
        std::atomic<int> runs{0};
        std::atomic<int> wins{0};
        auto const work = [&]() -> task<int> { co_return ++runs; };
        auto const completer = [&]() -> task<> { wins += co_await d.complete(work) ? 1 : 0; };
        race_threads([&](std::size_t) { coir::sync_wait(completer); });
        REQUIRE(runs == 1);
        REQUIRE(wins == 1);
        REQUIRE(d.poll()->value() == 1);
    }
}

TEST_CASE("waiters that a foreign thread wakes resume on their own schedulers [D33]") {
    deferred<int> d;
    std::vector<std::thread> loops;
    std::atomic<int> at_home{0};
    for (int i = 0; i < 3; ++i) {
        loops.emplace_back([&] {
            auto const here = std::this_thread::get_id();
            auto const waits = [&]() -> task<> {
                static_cast<void>(co_await d);
                at_home += std::this_thread::get_id() == here ? 1 : 0;
            };
            coir::sync_wait(waits);
        });
    }
    while (d.waiter_count() != 3) {
        std::this_thread::yield();
    }
    d.succeed(1);
    for (auto& t : loops) {
        t.join();
    }
    CHECK(at_home == 3);
}

TEST_CASE("a plain thread waits until the deferred is done [D12]") {
    deferred<int> d;
    std::optional<int> got;
    std::thread waiter{[&] {
        d.wait();
        got = d.poll()->value();
    }};
    while (d.waiter_count() != 1) {
        std::this_thread::yield();
    }
    d.succeed(4);
    waiter.join();
    CHECK(got == 4);
    d.wait();
    CHECK(d.wait_for(0s));
    CHECK(d.wait_until(std::chrono::steady_clock::now() - 1s));
}

TEST_CASE("a plain thread that waited long enough leaves nothing behind [D15]") {
    deferred<int> d;
    CHECK_FALSE(d.wait_for(1ms));
    CHECK_FALSE(d.wait_for(-1h));
    CHECK_FALSE(d.wait_until(std::chrono::steady_clock::now()));
    CHECK(d.waiter_count() == 0);
}

TEST_CASE("a plain thread does not wait on a thread that runs fibers [D24]") {
    deferred<int> d;
    auto const blocks = [&]() -> task<> {
        d.wait();
        co_return;
    };
    CHECK_THROWS_AS(coir::sync_wait(blocks).value(), coir::would_deadlock);
}
