// co_yield elements_of(inner): a generator that gives all of another stream.
#include "everywhere_support.hpp"
#include "stream_support.hpp"

#include "support/interrupt_everywhere.hpp"

#include <coir/runtime/sync_wait.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace stream_test;
using coir::elements_of;

using coir_test::interrupt_everywhere;
using coir_test::ledger;

namespace {

template <class Op>
auto run(Op op) {
    auto body = [&]() -> task<typename Op::value_type, typename Op::error_type> { co_return co_await std::move(op); };
    return coir::sync_wait(body());
}

stream<int> up_to(int n) {
    for (int i = 0; i < n; ++i) {
        co_await coir::yield();
        co_yield i;
    }
}

stream<int> around(int n) {
    co_yield -1;
    co_yield elements_of(up_to(n));
    co_yield -2;
    co_yield elements_of(streams::iota(8, 10) | streams::transform([](int i) { return long{i}; }));
    co_yield elements_of(up_to(0));
}

// In the order of a walk through a tree of this depth.
stream<int> walk(int depth) {
    if (depth > 0) {
        co_yield elements_of(walk(depth - 1));
        co_yield depth;
        co_yield elements_of(walk(depth - 1));
    }
}

stream<int> chain(int depth) {
    co_yield depth;
    if (depth > 0) {
        co_yield elements_of(chain(depth - 1));
    }
}

stream<int, err> failing(entries& log) {
    leaving const here{log, "inner"};
    co_yield 1;
    co_await coir::fail<err>(3);
}
stream<int, err> around_failing(entries& log) {
    leaving const here{log, "outer"};
    co_yield elements_of(failing(log));
    co_yield 2;
}

stream<int> throwing() {
    co_yield 1;
    throw std::runtime_error{"inner"};
}
stream<int> around_throwing() {
    bool caught = false;
    try {
        co_yield elements_of(throwing());
    } catch (std::runtime_error const&) {
        caught = true; // nothing is yielded in a handler
    }
    if (caught) {
        co_yield 5;
    }
}

} // namespace

TEST_CASE("a generator gives all elements of other streams in the order of its code [S9]") {
    auto const all = run(around(3) | streams::to_vector());
    CHECK(all.value() == numbers{-1, 0, 1, 2, -2, 8, 9});
    CHECK(run(around(3) | streams::take(2) | streams::to_vector()).value() == numbers{-1, 0});
    auto by_hand = [](auto& in) -> task<numbers> {
        numbers got;
        while (auto x = co_await next(in)) {
            got.push_back(*x);
        }
        co_return got;
    };
    CHECK(run(coir::with_stream(around(3), by_hand)).value() == all.value());
}

TEST_CASE("generators in generators walk a tree, and deep ones do not grow out of the stack") {
    CHECK(run(walk(3) | streams::to_vector()).value() == numbers{1, 2, 1, 3, 1, 2, 1});
    CHECK(run(walk(12) | streams::count()).value() == 4095);
    CHECK(run(chain(500) | streams::fold(0, std::plus<>{})).value() == 500 * 501 / 2);
}

TEST_CASE("the inner stream is closed before the generator goes on, or ends as it did [S7][S11]") {
    entries log;
    auto const end = run(around_failing(log) | streams::drain());
    REQUIRE(end.is_failure());
    CHECK(end.error() == err{3});
    CHECK(log == entries{"inner", "outer"});

    log.clear();
    auto const first = run(around_failing(log) | streams::first());
    CHECK(first.value() == 1);
    CHECK(log == entries{"inner", "outer"});
}

TEST_CASE("an exception of the inner stream is thrown at the co_yield [S7]") {
    CHECK(run(around_throwing() | streams::to_vector()).value() == numbers{1, 5});
}

TEST_CASE("finalizers of the inner stream that throw are exceptions of the outer one [S12]") {
    auto finalizer = []() -> task<> {
        throw std::runtime_error{"closing"};
        co_return;
    };
    auto outer = [&]() -> stream<int> {
        co_yield elements_of(up_to(2) | streams::ensuring(finalizer));
        co_yield 9;
    };
    CHECK(run(outer() | streams::drain()).is_defect());
    CHECK(run(outer() | streams::first()).is_defect());
    auto caught = [&]() -> stream<int> {
        try {
            co_yield elements_of(up_to(1) | streams::ensuring(finalizer));
        } catch (std::runtime_error const&) {
        }
        co_yield 9;
    };
    CHECK(run(caught() | streams::to_vector()).value() == numbers{0, 9});
}

TEST_CASE("elements_of, interrupted everywhere [S10][I1]") {
    auto outer = [](ledger& books) -> stream<int> {
        ledger::local const here{books};
        co_yield elements_of(guarded_source(books, 2));
        co_await books.guarded(coir::sleep_for(1ms));
        co_yield elements_of(closed_by(books, guarded_source(books, 2)));
    };
    auto const moments =
        interrupt_everywhere([outer](ledger& books) -> task<> { co_await (outer(books) | streams::drain()); });
    CHECK(moments > 10);
}
