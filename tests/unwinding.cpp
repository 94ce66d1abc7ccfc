// Failure and interruption through a stack of frames: destructors in order, children first, and
// no stack that grows.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;

namespace {

constexpr int depth = 12;

struct error {
    std::string text;
};

// What the destructors of one unwinding saw.
struct journal {
    std::vector<int> order;
    int outside_unwinding = 0;
    int as_exception = 0;
};

struct local {
    local(journal& j, int level) : log{j}, at{level} {}
    local(local const&) = delete;
    local& operator=(local const&) = delete;
    ~local() {
        log.order.push_back(at);
        log.outside_unwinding += coir::is_unwinding() ? 0 : 1;
        log.as_exception += std::uncaught_exceptions();
    }
    journal& log;
    int at;
    counted alive;
};

enum class ending { value, failure, interruption, interrupted_deferred, exception };

task<int, error> end_as(ending how) {
    switch (how) {
    case ending::failure: co_await coir::fail<error>("at the bottom"); break;
    case ending::interruption: co_await coir::sleep_for(24h); break;
    case ending::exception: throw std::runtime_error("at the bottom");
    case ending::interrupted_deferred: {
        coir::deferred<int> d;
        d.interrupt();
        co_return co_await d;
    }
    case ending::value: break;
    }
    co_return 1;
}

task<int, error> nested(journal& log, int level, ending how, counted argument) {
    local const first{log, 2 * level + 1};
    local const second{log, 2 * level};
    if (level == 0) {
        co_return co_await end_as(how);
    }
    co_return 1 + co_await nested(log, level - 1, how, argument);
}

std::vector<int> innermost_first() {
    std::vector<int> order(2 * depth);
    std::iota(order.begin(), order.end(), 0);
    return order;
}

coir::outcome<int, error> run_nested(journal& log, ending how) {
    test_scheduler s;
    auto const f = s.start(nested, std::ref(log), depth - 1, how, counted{});
    s.run_ready();
    if (how == ending::interruption) {
        CHECK(f.poll() == nullptr);
        f.request_interrupt();
        s.run_ready();
    }
    return *f.poll();
}

// The reach of the stack between calls, from the addresses of their locals.
class stack_reach {
public:
    COIR_NOINLINE void touch() {
        char volatile here = 0;
        auto const at = reinterpret_cast<std::uintptr_t>(&here);
        low_ = (std::min)(low_, at);
        high_ = (std::max)(high_, at);
    }
    std::uintptr_t bytes() const { return high_ - low_; }

private:
    std::uintptr_t low_ = UINTPTR_MAX;
    std::uintptr_t high_ = 0;
};

// Two hundred transfers in a row are inline, at some 670 bytes each with the costliest compiler.
constexpr std::uintptr_t bounded = 512 * 1024;
constexpr int million = 1'000'000;

} // namespace

TEST_CASE("a failure destroys twelve frames from the inside out [I13]") {
    counted::reset();
    journal log;
    auto const end = run_nested(log, ending::failure);
    CHECK(end.error().text == "at the bottom");
    CHECK(log.order == innermost_first());
    CHECK(log.outside_unwinding == 0);
    CHECK(log.as_exception == 0);
    CHECK(counted::alive() == 0);
}

TEST_CASE("an interruption destroys twelve frames from the inside out [I1 I13]") {
    counted::reset();
    journal log;
    CHECK(run_nested(log, ending::interruption).is_interrupted());
    CHECK(log.order == innermost_first());
    CHECK(log.outside_unwinding == 0);
    CHECK(log.as_exception == 0);
    CHECK(counted::alive() == 0);
}

TEST_CASE("an interrupted deferred destroys the frames that awaited it [D25]") {
    counted::reset();
    journal log;
    CHECK(run_nested(log, ending::interrupted_deferred).is_interrupted());
    CHECK(log.order == innermost_first());
    CHECK(log.outside_unwinding == 0);
    CHECK(counted::alive() == 0);
}

TEST_CASE("an exception goes through the frames as exceptions do [F3]") {
    counted::reset();
    journal log;
    CHECK_THROWS_AS(run_nested(log, ending::exception).value(), std::runtime_error);
    CHECK(log.order == innermost_first());
    CHECK(log.outside_unwinding == 2 * depth);
    CHECK(log.as_exception == 2 * depth);
    CHECK(counted::alive() == 0);
}

TEST_CASE("a value leaves its frames as a plain return does [F1]") {
    counted::reset();
    journal log;
    CHECK(run_nested(log, ending::value).value() == depth);
    CHECK(log.order == innermost_first());
    CHECK(log.outside_unwinding == 2 * depth);
    CHECK(counted::alive() == 0);
}

TEST_CASE("children of an unwound frame have ended before its locals are destroyed [F5 F6]") {
    for (ending const how : {ending::failure, ending::interruption}) {
        std::vector<std::string> order;
        auto const child = [&](std::string const& borrowed) -> task<> {
            auto const finalizer = [&]() -> task<> {
                co_await coir::sleep_for(1s);
                order.push_back("child ends, sees " + borrowed);
            };
            co_await coir::ensuring(coir::sleep_for(24h), finalizer);
        };
        struct note {
            std::vector<std::string>& into;
            std::string text;
            ~note() { into.push_back(text); }
        };
        auto const inner = [&]() -> task<int, error> {
            note const mine{order, "inner"};
            coir::fork(child, std::ref(mine.text));
            co_await coir::yield();
            co_return co_await end_as(how);
        };
        auto const outer = [&]() -> task<int, error> {
            note const mine{order, "outer"};
            coir::fork(child, std::ref(mine.text));
            co_await coir::yield();
            co_return co_await inner();
        };
        test_scheduler s;
        auto const f = s.start(outer);
        s.run_ready();
        f.request_interrupt();
        s.advance(1s);
        CHECK(order == std::vector<std::string>{"child ends, sees inner", "inner"});
        s.advance(1s);
        REQUIRE(f.poll() != nullptr);
        CHECK(order.size() == 4);
        CHECK(order[2] == "child ends, sees outer");
        CHECK(order[3] == "outer");
        CHECK(f.poll()->is_failure() == (how == ending::failure));
    }
}

TEST_CASE("a million awaits that complete synchronously do not grow the stack") {
    stack_reach reach;
    auto const callee = [&](int n) -> task<int> {
        reach.touch();
        co_return n;
    };
    auto const loop = [&]() -> task<std::int64_t> {
        std::int64_t sum = 0;
        for (int i = 0; i < million; ++i) {
            sum += co_await callee(i);
        }
        co_return sum;
    };
    CHECK(test_scheduler{}.run(loop).value() == std::int64_t{million} * (million - 1) / 2);
    CHECK(reach.bytes() < bounded);
}

TEST_CASE("a million awaits of what is there already do not grow the stack [D14]") {
    stack_reach reach;
    coir::deferred<int> d;
    d.succeed(1);
    auto const callee = [&]() -> task<int> {
        reach.touch();
        co_return co_await d;
    };
    auto const loop = [&]() -> task<int> {
        int sum = 0;
        for (int i = 0; i < million; ++i) {
            auto const in_time = co_await coir::as_result(callee());
            sum += in_time.value();
        }
        co_return sum;
    };
    CHECK(test_scheduler{}.run(loop).value() == million);
    CHECK(reach.bytes() < bounded);
}

TEST_CASE("a million tasks that fail and succeed in turn do not grow the stack") {
    stack_reach reach;
    counted::reset();
    auto const callee = [&](int n) -> task<int, int> {
        counted const alive;
        reach.touch();
        if (n % 2 != 0) {
            co_await coir::fail(n);
        }
        co_return 1;
    };
    auto const loop = [&]() -> task<int> {
        int good = 0;
        for (int i = 0; i < million; ++i) {
            auto const r = co_await coir::as_result(callee(i));
            good += r.has_value() ? 1 : 0;
        }
        co_return good;
    };
    CHECK(test_scheduler{}.run(loop).value() == million / 2);
    CHECK(reach.bytes() < bounded);
    CHECK(counted::alive() == 0);
}

TEST_CASE("deep recursion needs no stack to be unwound") {
    stack_reach reach;
    auto const deep = [&](auto const& self, int n) -> task<int, int> {
        reach.touch();
        if (n == 0) {
            co_await coir::fail(5);
        }
        co_return co_await self(self, n - 1);
    };
    auto const whole = [&]() -> task<int, int> { co_return co_await deep(deep, 100'000); };
    CHECK(test_scheduler{}.run(whole).error() == 5);
    CHECK(reach.bytes() < bounded);
}
