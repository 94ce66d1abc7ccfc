// What a deferred can hold, and how its value leaves it.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/testing/test_scheduler.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>

using coir::deferred;
using coir::outcome;
using coir::task;
using coir::test_scheduler;

namespace {

struct pinned {
    pinned(int a, int b) : sum{a + b} {}
    pinned(pinned const&) = delete;
    pinned& operator=(pinned const&) = delete;
    int sum;
};

template <class D>
using awaited = decltype(std::declval<D&>().coir_operation().get());

static_assert(!std::is_copy_constructible_v<deferred<int>> && !std::is_move_constructible_v<deferred<int>>);
static_assert(!std::is_copy_assignable_v<deferred<int>> && !std::is_move_assignable_v<deferred<int>>);
static_assert(std::is_same_v<awaited<deferred<std::unique_ptr<int>>>, std::unique_ptr<int> const&>);
static_assert(std::is_same_v<awaited<deferred<int&>>, int&>);
static_assert(std::is_void_v<awaited<deferred<>>>);

} // namespace

TEST_CASE("deferred<void> is done without a value [D29]") {
    deferred<> d;
    CHECK(d.succeed());
    CHECK_FALSE(d.succeed());
    auto const waits = [&]() -> task<> { co_await d; };
    CHECK(test_scheduler{}.run(waits).is_success());
}

TEST_CASE("a value that only moves is read by many and taken by one [D29 D30]") {
    deferred<std::unique_ptr<int>> d;
    auto const reads = [&]() -> task<int> {
        std::unique_ptr<int> const& p = co_await d;
        co_return *p;
    };
    auto const takes = [&]() -> task<std::unique_ptr<int>> { co_return co_await d.take(); };
    test_scheduler s;
    auto const reader = s.start(reads);
    auto const other = s.start(reads);
    s.run_ready();
    CHECK(d.succeed(std::make_unique<int>(3)));
    s.run_ready();
    CHECK(reader.poll()->value() == 3);
    CHECK(other.poll()->value() == 3);
    CHECK(*s.run(takes).value() == 3);
    CHECK_THROWS_AS(s.run(takes).value(), coir::already_taken);
}

TEST_CASE("a value that cannot move nor be made from nothing is built in place [D29]") {
    deferred<pinned> d;
    CHECK(d.succeed(2, 3));
    auto const reads = [&]() -> task<int> {
        pinned const& p = co_await d;
        co_return p.sum;
    };
    CHECK(test_scheduler{}.run(reads).value() == 5);
}

TEST_CASE("a reference stays a reference [D29]") {
    int target = 1;
    deferred<int&> d;
    CHECK(d.succeed(target));
    auto const writes = [&]() -> task<> {
        int& there = co_await d;
        there = 2;
    };
    test_scheduler{}.run(writes);
    CHECK(target == 2);
}

TEST_CASE("an outcome inside a deferred is a value like others [D29]") {
    using inner = outcome<int, std::string>;
    deferred<inner> d;
    CHECK(d.succeed(inner::failure("no")));
    auto const reads = [&]() -> task<std::string> {
        inner const& end = co_await d;
        co_return end.error();
    };
    CHECK(d.poll()->is_success());
    CHECK(test_scheduler{}.run(reads).value() == "no");
}

TEST_CASE("a deferred inside a deferred is completed on its own [D29]") {
    deferred<deferred<int>> outer;
    CHECK(outer.succeed());
    auto const both = [&]() -> task<int> {
        deferred<int> const& inner = co_await outer;
        co_return inner.is_done() ? 1 : 0;
    };
    CHECK(test_scheduler{}.run(both).value() == 0);
}

TEST_CASE("the completer of a shared deferred may drop the last handle [D31]") {
    test_scheduler s;
    auto d = std::make_unique<coir::shared_deferred<std::string>>();
    auto const waits = [](coir::shared_deferred<std::string> handle) -> task<std::string> {
        // The await alone keeps it: the handle goes before.
        auto waiting = handle.coir_operation();
        handle = coir::shared_deferred<std::string>{};
        co_return co_await std::move(waiting);
    };
    auto const first = s.start(waits, *d);
    auto const second = s.start(waits, *d);
    s.run_ready();
    (*d)->succeed("still here");
    d.reset();
    s.run_ready();
    CHECK(first.poll()->value() == "still here");
    CHECK(second.poll()->value() == "still here");
}
