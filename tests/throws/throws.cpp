// No exception is thrown for a failure or an interruption, in any of the ways they can happen.
#include "count_throws.hpp"

#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>

using namespace std::chrono_literals;
using coir::task;
using coir::test_scheduler;

namespace {

struct failed {
    int code;
};

task<int, failed> fail_below(int depth) {
    if (depth > 0) {
        co_return co_await fail_below(depth - 1);
    }
    co_await coir::fail(failed{1});
    co_return 0;
}

task<int, failed> sleep_below(int depth) {
    if (depth == 0) {
        co_await coir::sleep_for(24h);
        co_return 0;
    }
    co_return co_await sleep_below(depth - 1);
}

// How many throws running the work to its end costs.
template <class Work>
long throws_of(Work const& work) {
    long const before = throws_so_far();
    test_scheduler{}.run(work);
    return throws_so_far() - before;
}

} // namespace

TEST_CASE("throws are counted") {
    long const before = throws_so_far();
    CHECK_THROWS_AS(throw std::runtime_error("seen"), std::runtime_error);
    CHECK(throws_so_far() == before + 1);
    auto const throws = []() -> task<> {
        throw std::runtime_error("a defect is an exception");
        co_return;
    };
    CHECK(throws_of(throws) == 1);
}

TEST_CASE("a failure through twelve frames throws nothing") {
    auto const fails = []() -> task<int, failed> { co_return co_await fail_below(12); };
    CHECK(throws_of(fails) == 0);
    auto const recovers = []() -> task<> { co_await coir::as_result(fail_below(12)); };
    CHECK(throws_of(recovers) == 0);
    auto const returns = []() -> task<int, failed> { co_return coir::fail(failed{2}); };
    CHECK(throws_of(returns) == 0);
}

TEST_CASE("an interruption through twelve frames throws nothing [I1]") {
    test_scheduler s;
    auto const f = s.start(sleep_below, 12);
    s.run_ready();
    long const before = throws_so_far();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
    CHECK(throws_so_far() == before);
}

TEST_CASE("timeouts and interrupt_when throw nothing") {
    auto const times_out = []() -> task<> {
        co_await coir::as_result(coir::timeout(sleep_below(3), 1s));
        co_await coir::as_result(coir::timeout_fail(sleep_below(3), 1s, failed{3}));
    };
    CHECK(throws_of(times_out) == 0);
    auto const stopped = []() -> task<> {
        coir::deferred<> stop;
        auto const stopper = [&]() -> task<> {
            co_await coir::sleep_for(1s);
            stop.succeed();
        };
        auto const f = coir::fork(stopper);
        co_await coir::as_result(coir::interrupt_when(sleep_below(3), stop));
        co_await f;
    };
    CHECK(throws_of(stopped) == 0);
}

TEST_CASE("a deferred that fails, is interrupted or destroyed throws nothing [D4 D25 D32]") {
    auto const fails = []() -> task<int, failed> {
        coir::deferred<int, failed> d;
        d.fail(failed{4});
        co_return co_await d;
    };
    CHECK(throws_of(fails) == 0);
    auto const interrupted = []() -> task<int> {
        coir::deferred<int> d;
        d.interrupt();
        co_return co_await d;
    };
    CHECK(throws_of(interrupted) == 0);
    auto const destroyed = []() -> task<> {
        auto d = std::make_unique<coir::deferred<int>>();
        auto const waits = [&]() -> task<> { static_cast<void>(co_await *d); };
        auto const f = coir::fork(waits);
        co_await coir::yield();
        d.reset();
        co_await f.await();
    };
    CHECK(throws_of(destroyed) == 0);
}

TEST_CASE("those who lose a race throw nothing [R1]") {
    auto const races = []() -> task<> {
        auto const quick = []() -> task<int, failed> {
            co_await coir::sleep_for(1ms);
            co_return 1;
        };
        co_await coir::as_result(coir::race(sleep_below(3), quick(), fail_below(3)));
        co_await coir::as_result(coir::when_any(sleep_below(3), fail_below(3)));
        co_await coir::as_result(coir::when_all(sleep_below(3), fail_below(3)));
    };
    CHECK(throws_of(races) == 0);
}

TEST_CASE("a scope whose child fails throws nothing [F6]") {
    auto const supervises = []() -> task<void, failed> {
        auto const body = [](coir::scope<failed>& s) -> task<int, failed> {
            s.fork(sleep_below, 3);
            s.fork(fail_below, 3);
            co_return co_await sleep_below(2);
        };
        co_await coir::with_scope<failed>(body);
    };
    CHECK(throws_of(supervises) == 0);
}

TEST_CASE("finalizers of what is unwound throw nothing [I14]") {
    auto const ensures = []() -> task<int, failed> {
        auto const tidy = []() -> task<> { co_await coir::sleep_for(1ms); };
        co_return co_await coir::ensuring(fail_below(3), tidy);
    };
    CHECK(throws_of(ensures) == 0);
}
