// co_yield elements_of(inner): a generator that gives all of another stream.
#include "everywhere_support.hpp"
#include "stream_support.hpp"

#include "support/interrupt_everywhere.hpp"

#include <coir/runtime/sync_wait.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

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

// 1, 2, 3... each in a generator of its own, which is still open while those below it give theirs.
stream<int, err> down(int depth, int bottom, std::function<task<void, err>()> at_bottom) {
    co_yield depth;
    if (depth == bottom) {
        co_await at_bottom();
    } else {
        co_yield elements_of(down(depth + 1, bottom, at_bottom));
    }
    co_yield -depth;
}

// How far the native stack has grown from `base` when an element of this depth is made.
COIR_NOINLINE std::ptrdiff_t grown_from(char const* base) {
    auto const* const here = static_cast<char const*>(__builtin_frame_address(0));
    return base > here ? base - here : here - base;
}
stream<std::ptrdiff_t> growth(int depth, char const* base) {
    co_yield grown_from(base);
    if (depth > 0) {
        co_yield elements_of(growth(depth - 1, base));
    }
    co_yield grown_from(base);
}

// One pull by hand.
struct pull_of {
    using value_type = int;
    using error_type = err;

    coir::detail::status poll(coir::detail::fiber_base& f) { return s->poll_next(f, out); }
    int get() { return *out; }
    err error() { return s->error(); }
    std::exception_ptr defect() { return s->defect(); }
    coir::fiber_id interrupted_by() { return s->interrupted_by(); }

    stream<int, err>* s;
    std::optional<int> out = std::nullopt;
};

// Works before, between and after what those below it give.
stream<int> nested(ledger& books, int depth) {
    ledger::local const here{books};
    co_await books.guarded(sleep_for(1ms));
    co_yield depth;
    if (depth > 0) {
        co_yield elements_of(nested(books, depth - 1));
        co_yield elements_of(closed_by(books, nested(books, depth - 2)));
    }
    co_await books.guarded(coir::yield());
    co_yield -depth;
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

TEST_CASE("an element needs no more stack in the depth than near the surface") {
    char const* const base = static_cast<char const*>(__builtin_frame_address(0));
    auto const all = run(growth(2000, base) | streams::to_vector());
    REQUIRE(all.value().size() == 4002);
    auto const [least, most] = std::minmax_element(all.value().begin() + 1, all.value().end());
    CHECK(*most - *least < 2000);
    auto body = [&](auto& in) -> task<std::vector<std::ptrdiff_t>> {
        std::vector<std::ptrdiff_t> got;
        while (auto x = co_await next(in)) {
            got.push_back(*x);
        }
        co_return got;
    };
    auto const one_by_one = run(coir::with_stream(growth(2000, base), body));
    auto const [low, high] = std::minmax_element(one_by_one.value().begin() + 1, one_by_one.value().end());
    CHECK(*high - *low < 2000);
}

TEST_CASE("a nesting of a hundred thousand generators is pulled, left, ended and unwound [S10]") {
    constexpr int deep = 100'000;
    auto const nothing = []() -> task<void, err> { co_return; };
    auto const waits = []() -> task<void, err> { co_await coir::yield(); };
    auto const fails = []() -> task<void, err> { co_await coir::fail<err>(3); };
    SECTION("to its end") {
        CHECK(run(down(1, deep, nothing) | streams::count()).value() == 2 * deep);
        CHECK(run(down(1, deep, waits) | streams::fold(0L, std::plus<>{})).value() == 0);
    }
    SECTION("left in the middle") {
        auto const some = run(down(1, deep, nothing) | streams::take(deep / 2) | streams::last());
        CHECK(some.value() == deep / 2);
        CHECK(run(down(1, deep, nothing) | streams::take(deep + 5) | streams::last()).value() == -deep + 4);
    }
    SECTION("failing at the bottom") { CHECK(run(down(1, deep, fails) | streams::drain()).error() == err{3}); }
    SECTION("interrupted at the bottom") {
        test_scheduler s;
        auto const work = [&]() -> task<void, err> {
            auto const sleeps = []() -> task<void, err> { co_await sleep_for(1h); };
            co_await (down(1, deep, sleeps) | streams::drain());
        };
        auto const f = s.start(work);
        s.advance(1s);
        f.request_interrupt();
        s.advance(1s);
        REQUIRE(f.poll() != nullptr);
        CHECK(f.poll()->is_interrupted());
    }
    SECTION("an exception from the bottom, caught at the top") {
        auto const throws = []() -> task<void, err> {
            throw std::runtime_error{"bottom"};
            co_return;
        };
        bool caught = false;
        auto const top = [&]() -> stream<int, err> {
            try {
                co_yield elements_of(down(1, 2000, throws));
            } catch (std::runtime_error const&) {
                caught = true;
            }
            co_yield 7;
        };
        CHECK(run(top() | streams::last()).value() == 7);
        CHECK(caught);
    }
}

TEST_CASE("a nesting that has been pulled already may be given on, again and again") {
    auto const nothing = []() -> task<void, err> { co_return; };
    auto const rest_of = [](stream<int, err> s) -> stream<int, err> { co_yield elements_of(std::move(s)); };
    auto body = [&]() -> task<numbers, err> {
        stream<int, err> s = down(1, 4, nothing);
        numbers got;
        for (int i = 0; i < 6; ++i) {
            got.push_back(co_await pull_of{&s});
            s = rest_of(std::move(s));
        }
        stream<int, err> moved = std::move(s);
        numbers const others = co_await (std::move(moved) | streams::to_vector());
        got.insert(got.end(), others.begin(), others.end());
        co_return got;
    };
    CHECK(run(body()).value() == numbers{1, 2, 3, 4, -4, -3, -2, -1});
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

TEST_CASE("nested generators, interrupted everywhere [S10][I1]") {
    auto const moments =
        interrupt_everywhere([](ledger& books) -> task<> { co_await (nested(books, 3) | streams::drain()); });
    CHECK(moments > 20);
    auto const early = interrupt_everywhere(
        [](ledger& books) -> task<> { co_await (nested(books, 3) | streams::take(6) | streams::drain()); });
    CHECK(early > 10);
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
