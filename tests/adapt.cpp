// Adaptors: ends that become values, and functions of them.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

using namespace std::chrono_literals;
using coir::deferred;
using coir::outcome;
using coir::result;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;

namespace {

struct small {
    int code;
};
struct large {
    std::string text;
};

task<int, small> gives(int v) {
    if (v < 0) {
        co_await coir::fail(small{v});
    }
    co_return v;
}

task<std::unique_ptr<int>, small> gives_pointer(int v) {
    int const n = co_await gives(v);
    co_return std::make_unique<int>(n);
}

template <class A>
auto run(A a) {
    auto const t = [](A aw) -> task<coir::await_value_t<A>, coir::await_error_t<A>> {
        co_return co_await std::move(aw);
    };
    return test_scheduler{}.run(t, std::move(a));
}

} // namespace

TEST_CASE("as_result shows a failure and lets the rest pass") {
    CHECK(run(coir::as_result(gives(1))).value().value() == 1);
    CHECK(run(gives(-1) | coir::as_result()).value().error().code == -1);
    auto const dies = []() -> task<int, small> {
        throw std::runtime_error("died");
        co_return 0;
    };
    CHECK(run(coir::as_result(dies())).is_defect());
    deferred<> interrupted;
    interrupted.interrupt();
    CHECK(run(coir::as_result(interrupted)).is_interrupted());
}

TEST_CASE("as_outcome shows every end of what is awaited [I9]") {
    CHECK(run(coir::as_outcome(gives(-1))).value().error().code == -1);
    auto const dies = []() -> task<int, small> {
        throw std::runtime_error("died");
        co_return 0;
    };
    CHECK(run(dies() | coir::as_outcome()).value().is_defect());
    deferred<> interrupted;
    interrupted.interrupt();
    CHECK(run(coir::as_outcome(interrupted)).value().is_interrupted());
}

TEST_CASE("as_outcome does not catch the interruption of its own fiber [I9]") {
    test_scheduler s;
    bool handled = false;
    bool finalized = false;
    auto fin = [&]() -> task<> {
        finalized = true;
        co_return;
    };
    auto const f = s.start([&]() -> task<> {
        deferred<> never;
        static_cast<void>(co_await coir::as_outcome(coir::ensuring(never, std::ref(fin))));
        handled = true;
    });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
    CHECK(finalized);
    CHECK_FALSE(handled);
}

TEST_CASE("values that are shared are copied, and references stay references where they can") {
    int n = 3;
    auto const reference = [&]() -> task<int&, small> { co_return n; };
    static_assert(std::is_same_v<coir::await_value_t<decltype(coir::as_outcome(reference()))>, outcome<int, small>>);
    static_assert(std::is_same_v<coir::await_value_t<decltype(coir::as_result(reference()))>, result<int, small>>);
    auto const same = coir::transform(reference(), [](int& r) -> int& { return r; });
    static_assert(
        std::is_same_v<coir::await_value_t<decltype(coir::transform(reference(), [](int& r) -> int& { return r; }))>,
                       int&>);
    static_cast<void>(same);
    deferred<std::string> d;
    d.succeed("text");
    CHECK(run(coir::as_outcome(d)).value().value() == "text");
    CHECK(run(coir::transform(d, [](std::string const& t) { return t.size(); })).value() == 4);
    CHECK(d.poll()->value() == "text");
}

TEST_CASE("transform changes the value only") {
    CHECK(run(coir::transform(gives(2), [](int v) { return v * 2.5; })).value() == 5.0);
    CHECK(run(gives(-2) | coir::transform([](int v) { return std::to_string(v); })).error().code == -2);
    CHECK(run(gives_pointer(4) | coir::transform([](std::unique_ptr<int> p) { return *p; })).value() == 4);
    bool called = false;
    CHECK(run(coir::transform(coir::sleep_for(1ms), [&] { called = true; })).is_success());
    CHECK(called);
    CHECK(run(coir::transform(gives(1), [](int) -> int { throw std::runtime_error("f"); })).is_defect());
}

TEST_CASE("a transformation runs within what is around it, before its finalizer") {
    std::string log;
    auto fin = [&]() -> task<> {
        log += "fin";
        co_return;
    };
    auto f = [&](int v) {
        log += "f ";
        return v;
    };
    auto const t = [&]() -> task<int, small> {
        co_return co_await coir::ensuring(coir::transform(gives(1), std::ref(f)), std::ref(fin));
    };
    CHECK(test_scheduler{}.run(t).value() == 1);
    CHECK(log == "f fin");
}

TEST_CASE("and_then goes on with another awaitable and joins the errors") {
    auto const next = [](int v) -> task<std::string, large> {
        if (v == 1) {
            co_await coir::fail<large>("one");
        }
        co_await coir::sleep_for(1ms);
        co_return std::to_string(v);
    };
    using both = coir::await_error_t<decltype(coir::and_then(gives(1), next))>;
    static_assert(std::is_same_v<both, std::variant<small, large>>);
    CHECK(run(coir::and_then(gives(7), next)).value() == "7");
    CHECK(std::get<large>(run(gives(1) | coir::and_then(next)).error()).text == "one");
    CHECK(std::get<small>(run(gives(-1) | coir::and_then(next)).error()).code == -1);
    CHECK(run(coir::and_then(coir::sleep_for(1ms), [] { return gives(3); })).value() == 3);
    auto const throws = [](int) -> task<int> { throw std::runtime_error("f"); };
    CHECK(run(coir::and_then(gives(1), throws)).is_defect());
}

TEST_CASE("what and_then was given lives as long as what it started") {
    counted::reset();
    auto const make = []() -> task<counted> { co_return counted{5}; };
    auto const uses = [](counted&& c) -> task<int> {
        co_await coir::sleep_for(1ms);
        co_return c.value;
    };
    CHECK(run(coir::and_then(make(), uses)).value() == 5);
    CHECK(counted::alive() == 0);
    CHECK(counted::copies() == 0);
}

TEST_CASE("or_else recovers from a failure, or fails in its own way") {
    auto const recovers = [](small e) -> task<int> { co_return -e.code; };
    static_assert(std::is_same_v<coir::await_error_t<decltype(coir::or_else(gives(1), recovers))>, coir::never>);
    CHECK(run(coir::or_else(gives(-8), recovers)).value() == 8);
    CHECK(run(gives(8) | coir::or_else(recovers)).value() == 8);
    auto const fails = [](small const& e) -> task<int, large> {
        co_await coir::sleep_for(1ms);
        co_return coir::fail<large>(std::to_string(e.code));
    };
    CHECK(run(coir::or_else(gives(-8), fails)).error().text == "-8");
}

TEST_CASE("transform_error and value_or replace the error") {
    auto const wider = [](small e) { return large{std::to_string(e.code)}; };
    CHECK(run(coir::transform_error(gives(-3), wider)).error().text == "-3");
    CHECK(run(gives(3) | coir::transform_error(wider)).value() == 3);
    CHECK(run(coir::transform_error(gives(-3), [](small) -> large { throw std::runtime_error("f"); })).is_defect());
    CHECK(run(coir::value_or(gives(-3), 5)).value() == 5);
    CHECK(run(gives(3) | coir::value_or(5)).value() == 3);
    CHECK(run(gives_pointer(-1) | coir::value_or(std::make_unique<int>(9))).value() != nullptr);
}

TEST_CASE("adaptors chain, and pass interruption on") {
    auto const chain = [](int v) {
        return gives(v) | coir::transform([](int n) { return n + 1; }) |
               coir::or_else([](small) { return gives(40); }) | coir::value_or(0) | coir::as_outcome();
    };
    CHECK(run(chain(1)).value().value() == 2);
    CHECK(run(chain(-1)).value().value() == 40);
    deferred<int, small> interrupted;
    interrupted.interrupt();
    auto const relay = [&] {
        return interrupted | coir::transform([](int n) { return n; }) | coir::or_else([](small) { return gives(1); });
    };
    CHECK(run(relay()).is_interrupted());
}

TEST_CASE("closures with captures that are named and moved are destroyed once") {
    counted::reset();
    auto const t = []() -> task<int, small> {
        auto add = [c = counted{2}](int v) { return v + c.value; };
        int const n = co_await coir::transform(gives(1), coir::moved(add));
        auto next = [c = counted{3}](int v) -> task<int> { co_return v + c.value; };
        int const m = co_await (gives(n) | coir::and_then(coir::moved(next)));
        auto last = [c = counted{4}](small) -> task<int> { co_return c.value; };
        co_return m + co_await coir::or_else(gives(-1), last);
    };
    CHECK(test_scheduler{}.run(t).value() == 10);
    CHECK(counted::alive() == 0);
}
