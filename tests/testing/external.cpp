#include "support/effort.hpp"

#include <coir/deferred.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using coir::deferred;
using coir::sleep_for;
using coir::task;
using coir::test_scheduler;
using namespace std::chrono_literals;

TEST_CASE("while something external is expected, a run waits for it [K9]") {
    for (unsigned i = 0; i < 200 * coir_test::stress_scale(); ++i) {
        test_scheduler s{i};
        deferred<int> answer;
        auto const expected = s.expect_external();
        std::thread other{[&] { answer.succeed(7); }};
        auto const end = s.run([&]() -> task<int> { co_return co_await answer; });
        other.join();
        REQUIRE(end.value() == 7);
    }
}

TEST_CASE("the other thread may hold the promise, and outlive the scheduler with it [K9]") {
    for (unsigned i = 0; i < 200 * coir_test::stress_scale(); ++i) {
        std::thread other;
        deferred<> done; // outlives the scheduler: the thread is still in succeed() when the run has ended
        {
            test_scheduler s;
            other = std::thread{[&done, promise = std::optional{s.expect_external()}]() mutable {
                done.succeed();
                promise.reset();
            }};
            REQUIRE(s.run([&]() -> task<> { co_await done; }).is_success());
        }
        other.join();
    }
}

TEST_CASE("a promise that is given up ends the wait as a deadlock [K9]") {
    for (unsigned i = 0; i < 200 * coir_test::stress_scale(); ++i) {
        test_scheduler s;
        std::thread other{[promise = std::optional{s.expect_external()}]() mutable { promise.reset(); }};
        REQUIRE_THROWS_AS(s.run([]() -> task<> {
            deferred<> never;
            co_await never;
        }),
                          coir::deadlock_error);
        other.join();
    }
}

TEST_CASE("deadlines come before what is external [K9]") {
    test_scheduler s;
    auto const expected = s.expect_external();
    CHECK(s.run([]() -> task<> { co_await sleep_for(1h); }).is_success());
    CHECK(s.elapsed() == 1h);
}

TEST_CASE("fibers that are started and woken from other threads all run [K9]") {
    constexpr int threads = 3;
    int const each = 200;
    test_scheduler s{1};
    int ended = 0;
    deferred<> all;
    std::vector<std::thread> others;
    for (int t = 0; t < threads; ++t) {
        others.emplace_back([&, promise = std::make_shared<coir::expected_external>(s.expect_external())] {
            for (int i = 0; i < each; ++i) {
                s.start([&]() -> task<> {
                    co_await sleep_for(1ms);
                    if (++ended == threads * each) {
                        all.succeed();
                    }
                });
            }
        });
    }
    auto const end = s.run([&]() -> task<> { co_await all; });
    for (auto& other : others) {
        other.join();
    }
    CHECK(end.is_success());
    CHECK(ended == threads * each);
}

TEST_CASE("interrupts from another thread reach a fiber that waits for something external [K9]") {
    for (unsigned i = 0; i < 200 * coir_test::stress_scale(); ++i) {
        test_scheduler s{i};
        deferred<> never;
        auto waiting = s.start([&]() -> task<> { co_await never; });
        std::thread other{[waiting, promise = std::make_shared<coir::expected_external>(s.expect_external())] {
            waiting.request_interrupt();
        }};
        s.run_until([&] { return waiting.poll() != nullptr; });
        other.join();
        REQUIRE(waiting.poll()->is_interrupted());
    }
}
