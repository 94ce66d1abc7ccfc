// How a fiber is forked: at once or queued, with the mask of who forks it, under a name.
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::fiber;
using coir::fork;
using coir::fork_options;
using coir::fork_start;
using coir::scope;
using coir::task;
using coir::test_scheduler;
using coir_test::never_ends;
using coir_test::steps;

namespace {

constexpr fork_options here{.start = fork_start::here};
constexpr fork_options masked{.inherit_mask = true};

task<> two_steps(steps& log, char const* first, char const* second) {
    log.push_back(first);
    co_await coir::yield();
    log.push_back(second);
}

// Asks a fiber to end, and says how it ended later on.
task<int> value_after(std::chrono::milliseconds d) {
    co_await coir::sleep_for(d);
    co_return 1;
}

} // namespace

TEST_CASE("a child that starts here runs to its first suspension before fork returns, else it is queued [F15]") {
    steps log;
    auto const t = [&]() -> task<> {
        auto const queued = fork(two_steps, std::ref(log), "queued 1", "queued 2");
        log.push_back("forked");
        auto const at_once = fork(here, two_steps, std::ref(log), "here 1", "here 2");
        log.push_back("forked here");
        co_await at_once;
        co_await queued;
    };
    CHECK(test_scheduler{}.run(t).is_success());
    CHECK(log == steps{"forked", "here 1", "forked here", "queued 1", "here 2", "queued 2"});
}

TEST_CASE("a child that starts here may end there, and who forked it is current again after that [F15]") {
    auto const t = []() -> task<> {
        auto const me = coir::this_fiber::id();
        auto const nested = []() -> task<int> {
            auto const mine = coir::this_fiber::id();
            auto const inner = fork(here, []() -> task<int> { co_return 2; });
            CHECK(inner.poll() != nullptr);
            CHECK(coir::this_fiber::id() == mine);
            co_return inner.poll()->value() + 1;
        };
        auto const f = fork(fork_options{.name = "quick", .start = fork_start::here}, nested);
        CHECK(coir::this_fiber::id() == me);
        REQUIRE(f.poll() != nullptr);
        CHECK(f.poll()->value() == 3);
        CHECK(f.name() == "quick");
        co_return;
    };
    CHECK(test_scheduler{}.run(t).is_success());
    coir::run_loop loop;
    CHECK(loop.run(t).is_success());
}

TEST_CASE("scopes and daemons start here too, and a scope does so only for callers on its scheduler [F15]") {
    steps log;
    auto body = [&](scope<>& s) -> task<> {
        s.fork(here, two_steps, std::ref(log), "scope 1", "scope 2");
        log.push_back("body");
        co_return;
    };
    auto const t = [&]() -> task<> {
        coir::fork_daemon(here, two_steps, std::ref(log), "daemon 1", "daemon 2");
        co_await coir::with_scope(body);
    };
    CHECK(test_scheduler{}.run(t).is_success());
    CHECK(log == steps{"daemon 1", "scope 1", "body", "daemon 2", "scope 2"});

    coir::thread_pool pool{1};
    std::thread::id ran_on;
    std::thread::id pool_thread;
    auto from_elsewhere = [&](scope<>& s) -> task<> {
        pool_thread = std::this_thread::get_id();
        std::thread outside{[&] {
            s.fork(here, [&]() -> task<> {
                ran_on = std::this_thread::get_id();
                co_return;
            });
        }};
        outside.join();
        co_await s.join();
    };
    auto const elsewhere = [&]() -> task<> { co_await coir::with_scope(from_elsewhere); };
    CHECK(pool.run(elsewhere).is_success());
    CHECK(ran_on == pool_thread);
}

TEST_CASE("a closed scope starts nothing here [F9, F15]") {
    bool ran = false;
    auto const would_run = [&]() -> task<> {
        ran = true;
        co_return;
    };
    auto body = [&](scope<>& s) -> task<> {
        s.add_finalizer([&]() -> task<> {
            auto const late = s.fork(here, would_run);
            CHECK(late.poll()->is_interrupted());
            co_return;
        });
        co_return;
    };
    auto const t = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).is_success());
    CHECK_FALSE(ran);
}

TEST_CASE("a child inherits the mask when asked to, and then ends with its value [F13]") {
    for (bool const in_scope : {false, true}) {
        auto const t = [&]() -> task<> {
            auto const forks = [](bool scoped, scope<>& s) -> task<fiber<int>> {
                co_return scoped ? s.fork(masked, value_after, 5ms) : fork(masked, value_after, 5ms);
            };
            auto body = [&](scope<>& s) -> task<> {
                auto const f = co_await coir::uninterruptible(forks(in_scope, s));
                co_await coir::yield();
                auto const& end = co_await f.interrupt();
                CHECK(end.is_success());
                auto const free = co_await forks(in_scope, s); // there is no mask to inherit
                co_await coir::yield();
                auto const& interrupted = co_await free.interrupt();
                CHECK(interrupted.is_interrupted());
            };
            co_await coir::with_scope(body);
        };
        CHECK(test_scheduler{}.run(t).is_success());
    }
}

TEST_CASE("a child that was asked to end before it started starts all the same if it has the mask [F13]") {
    auto const t = []() -> task<> {
        auto const forks = []() -> task<fiber<int>> { co_return fork(masked, value_after, 1ms); };
        auto const f = co_await coir::uninterruptible(forks());
        f.request_interrupt();
        auto const& end = co_await f.await();
        CHECK(end.is_success());
    };
    CHECK(test_scheduler{}.run(t).is_success());
}

TEST_CASE("what is inherited is whether anything can interrupt the code that forks [F13]") {
    auto const ends_interrupted = [](auto where) -> task<bool> {
        fiber<int> f;
        auto const forks = [&f]() -> task<> {
            f = fork(masked, value_after, 5ms);
            co_return;
        };
        co_await where(forks);
        co_await coir::yield();
        auto const& end = co_await f.interrupt();
        co_return end.is_interrupted();
    };
    auto const in_region = [](auto const& forks) { return coir::uninterruptible(coir::timeout(forks(), 1h)); };
    auto const restored = [](auto const& forks) {
        return coir::uninterruptible_mask([&forks](auto restore) -> task<> { co_await restore(forks()); });
    };
    auto const in_mask = [](auto const& forks) { return coir::timeout(coir::uninterruptible(forks()), 1h); };
    CHECK(test_scheduler{}.run(ends_interrupted, in_region).value());
    CHECK(test_scheduler{}.run(ends_interrupted, restored).value());
    CHECK_FALSE(test_scheduler{}.run(ends_interrupted, in_mask).value());
}

TEST_CASE("a grandchild that can be interrupted is, when the fiber between ends, mask or no mask [F14]") {
    test_scheduler s;
    steps log;
    auto const grandchild = [&]() -> task<> {
        co_await coir::ensuring(never_ends(), [&]() -> task<> {
            log.push_back("grandchild");
            co_return;
        });
    };
    auto const middle = [&]() -> task<> {
        fork(grandchild);
        co_await coir::sleep_for(2ms);
        log.push_back("middle");
    };
    auto const parent = [&]() -> task<> {
        auto const forks = [&]() -> task<> { co_await fork(masked, middle); };
        co_await coir::uninterruptible(forks());
        log.push_back("parent");
    };
    auto const f = s.start(parent);
    s.run_ready();
    f.request_interrupt();
    s.advance(1ms);
    CHECK(log.empty()); // the mask holds, for the fiber between too
    s.advance(1ms);
    CHECK(log == steps{"middle", "grandchild"}); // the parent's mask ends in an interruption
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("a name that is given is the child's in a scope too") {
    auto body = [](scope<>& s) -> task<> {
        auto const f = s.fork(fork_options{.name = "worker"}, []() -> task<> {
            CHECK(coir::this_fiber::name() == "worker");
            co_return;
        });
        CHECK(f.name() == "worker");
        co_await f;
    };
    auto const t = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).is_success());
}
