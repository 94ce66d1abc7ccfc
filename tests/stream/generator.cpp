// stream<T, E> as a coroutine: what it may do, and how it is left at every point.
#include "stream_support.hpp"

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <memory>

using namespace stream_test;
using coir_test::counted;

namespace {

template <class T, class E, class F>
task<> each(stream<T, E> source, F f) {
    co_await (std::move(source) | streams::for_each(f));
}

} // namespace

TEST_CASE("a generator may await between elements [S1]") {
    test_scheduler s;
    auto const end = s.run([]() -> task<numbers> { co_return co_await (ticking(5ms, 3) | streams::to_vector()); });
    CHECK(end.value() == numbers{1, 2, 3});
    CHECK(s.elapsed() == 15ms);
}

TEST_CASE("nothing of a generator runs before the first pull, nor after the last [S2]") {
    test_scheduler s;
    int reached = 0;
    auto source = [](int& at) -> stream<int> {
        for (at = 1;; ++at) {
            co_yield std::move(at);
        }
    };
    s.run([&]() -> task<> {
        auto p = source(reached) | streams::take(2) | streams::drain();
        CHECK(reached == 0);
        co_await std::move(p);
    });
    CHECK(reached == 2);
}

TEST_CASE("a generator that fails or throws does so after what it yielded [S7]") {
    test_scheduler s;
    entries log;
    bool const throws = GENERATE(false, true);
    auto source = [throws](entries& l) -> stream<int, err> {
        leaving const here{l, "left"};
        co_yield 1;
        co_await coir::yield();
        if (throws) {
            throw std::runtime_error{"boom"};
        }
        co_await coir::fail<err>(2);
        co_yield 3;
    };
    auto const end = s.run([&]() -> task<void, err> {
        co_await (source(log) | streams::for_each([&log](int n) { log.push_back(std::to_string(n)); }));
    });
    CHECK(end.is_defect() == throws);
    CHECK(end.is_failure() == !throws);
    CHECK(log == entries{"1", "left"});
}

TEST_CASE("an early end unwinds the generator at its yield, once, before the result is seen [S10]") {
    test_scheduler s;
    entries log;
    auto source = [](entries& l) -> stream<int> {
        leaving const outer{l, "outer"};
        leaving const inner{l, "inner"};
        for (int i = 0;; ++i) {
            co_yield i;
        }
    };
    s.run([&]() -> task<> {
        auto const v = co_await (source(log) | streams::take(2) | streams::to_vector());
        log.push_back("seen");
        CHECK(v == numbers{0, 1});
    });
    CHECK(log == entries{"inner", "outer", "seen"});
}

TEST_CASE("children of a generator live on between its elements, and end before its frame does [F5][S10]") {
    test_scheduler s;
    entries log;
    auto source = [](entries& l) -> stream<int> {
        leaving const here{l, "frame"};
        auto beats = [&l]() -> task<> {
            leaving const child{l, "child"};
            auto close = finalizer(l, "child");
            co_await coir::ensuring(sleep_for(24h), close);
        };
        fork(beats);
        for (int i = 0;; ++i) {
            co_await sleep_for(1ms);
            co_yield i;
        }
    };
    s.run([&]() -> task<> {
        auto note = [&log](int n) -> task<> {
            co_await sleep_for(5ms);
            log.push_back(std::to_string(n));
        };
        co_await (source(log) | streams::take(2) | streams::for_each(note));
        log.push_back("seen");
    });
    CHECK(log == entries{"0", "1", "child begins", "child ends", "child", "frame", "seen"});
}

TEST_CASE("children of a generator that fails end before the failure is seen [S10]") {
    test_scheduler s;
    entries log;
    bool const throws = GENERATE(false, true);
    auto source = [throws](entries& l) -> stream<int, err> {
        auto beats = [&l]() -> task<> {
            auto close = finalizer(l, "child");
            co_await coir::ensuring(sleep_for(24h), close);
        };
        fork(beats);
        co_await sleep_for(1ms);
        if (throws) {
            throw std::runtime_error{"boom"};
        }
        co_await coir::fail<err>(1);
        co_yield 0;
    };
    s.run([&]() -> task<> {
        auto const r = co_await coir::as_outcome(source(log) | streams::drain());
        log.push_back("seen");
        CHECK(r.is_success() == false);
    });
    CHECK(log == entries{"child begins", "child ends", "seen"});
}

TEST_CASE("children that a generator leaves at its normal end belong to who pulls [X8]") {
    test_scheduler s;
    entries log;
    auto source = [](entries& l) -> stream<int> {
        auto child = [&l]() -> task<> {
            co_await sleep_for(10ms);
            l.push_back("child");
        };
        fork(child);
        co_yield 1;
    };
    deferred<> never_done;
    s.run([&]() -> task<> {
        co_await (source(log) | streams::interrupt_when(never_done) | streams::drain());
        log.push_back("drained");
        co_await sleep_for(20ms);
    });
    CHECK(log == entries{"drained", "child"});
}

TEST_CASE("a generator that is never pulled, or destroyed before it starts, frees what it was given") {
    test_scheduler s;
    counted::reset();
    int started = 0;
    auto source = [](counted c, int& n) -> stream<int> {
        ++n;
        co_yield std::move(c.value);
    };
    {
        auto const dropped = source(counted{1}, started);
    }
    s.run([&]() -> task<> {
        {
            auto const p = source(counted{2}, started) | streams::take(1) | streams::drain();
            static_cast<void>(p);
        }
        auto closed = source(counted{3}, started) | streams::take(0) | streams::drain();
        co_await std::move(closed);
    });
    CHECK(started == 0);
    CHECK(counted::alive() == 0);
}

TEST_CASE("a yielded temporary is moved, a named element copied, a moved one moved") {
    test_scheduler s;
    counted::reset();
    auto source = []() -> stream<counted> {
        co_yield counted{1};
        counted named{2};
        co_yield named;
        CHECK(named.value == 2);
        co_yield std::move(named);
        CHECK(named.value == counted::moved_from);
    };
    numbers seen;
    s.run(
        [&]() -> task<> { co_await (source() | streams::for_each([&seen](counted c) { seen.push_back(c.value); })); });
    CHECK(seen == numbers{1, 2, 2});
    CHECK(counted::copies() == 1);
    CHECK(counted::alive() == 0);
}

namespace {

struct item { // an aggregate that GCC 12 would destroy twice if it were yielded as a temporary
    counted c;
    std::unique_ptr<int> n;
};

} // namespace

TEST_CASE("an aggregate is named, and yielded with moved [H]") {
    test_scheduler s;
    counted::reset();
    auto source = []() -> stream<item> {
        for (int i = 0; i < 3; ++i) {
            item it{counted{i}, std::make_unique<int>(i)};
            co_yield coir::moved(it);
        }
    };
    numbers seen;
    s.run([&]() -> task<> {
        co_await (source() | streams::for_each([&seen](item it) { seen.push_back(it.c.value + *it.n); }));
        auto const v = co_await (source() | streams::debounce(1ms) | streams::to_vector());
        CHECK(v.size() == 1);
    });
    CHECK(seen == numbers{0, 2, 4});
    CHECK(counted::alive() == 0);
}

namespace {

struct move_throws {
    explicit move_throws(int n) : value{n} {}
    move_throws(move_throws&& other) noexcept(false) : value{other.value} {
        if (value == 2) {
            throw std::runtime_error{"move"};
        }
    }
    int value;
};

} // namespace

TEST_CASE("an element that cannot be moved out is a defect, and the generator is closed [S10]") {
    test_scheduler s;
    entries log;
    auto source = [](entries& l) -> stream<move_throws> {
        leaving const here{l, "left"};
        for (int i = 1;; ++i) {
            co_yield move_throws{i};
        }
    };
    auto const end = s.run(
        [&]() -> task<> { co_await (source(log) | streams::for_each([&log](move_throws) { log.push_back("one"); })); });
    REQUIRE(end.is_defect());
    CHECK(message_of(end.defect()) == "move");
    CHECK(log == entries{"one", "left"});
}

TEST_CASE("a generator pulls another generator, and both are left [S10]") {
    test_scheduler s;
    entries log;
    auto inner = [](entries& l) -> stream<int> {
        leaving const here{l, "inner"};
        for (int i = 0;; ++i) {
            co_yield i;
        }
    };
    auto outer = [](stream<int> source, entries& l) -> stream<int> {
        leaving const here{l, "outer"};
        coir::queue<int> handed{coir::bounded(0)};
        auto pump = [&handed](stream<int> from) -> task<> {
            auto push = [&handed](int n) -> task<> { co_await handed.push(n); };
            co_await (std::move(from) | streams::for_each(push));
        };
        fork(pump, std::move(source));
        while (auto n = co_await handed.pop()) {
            co_yield *n * 10;
        }
    };
    s.run([&]() -> task<> {
        auto const v = co_await (outer(inner(log), log) | streams::take(3) | streams::to_vector());
        CHECK(v == numbers{0, 10, 20});
    });
    CHECK(log == entries{"inner", "outer"});
}

TEST_CASE("an interrupted pull unwinds the generator where it waits [I1]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto source = [](entries& l) -> stream<int> {
            leaving const here{l, "left"};
            co_yield 1;
            auto close = finalizer(l);
            co_await coir::ensuring(sleep_for(24h), close);
            co_yield 2;
        };
        auto const f = fork(each<int, coir::never, void (*)(int)>, source(log), +[](int) {});
        co_await sleep_for(5ms);
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
        log.push_back("seen");
    });
    CHECK(log == entries{"finalizer begins", "finalizer ends", "left", "seen"});
}

namespace {

COIR_NOINLINE std::uintptr_t stack_depth() { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }

struct stack_range {
    std::uintptr_t low = UINTPTR_MAX;
    std::uintptr_t high = 0;

    void look() {
        auto const here = stack_depth();
        low = (std::min)(low, here);
        high = (std::max)(high, here);
    }
    std::uintptr_t size() const { return high - low; }
};

stream<int> looking(int n, stack_range& r) {
    for (int i = 0; i < n; ++i) {
        r.look();
        co_yield i;
    }
}

} // namespace

TEST_CASE("a million elements of a generator do not grow the stack, however they are used [H]") {
    constexpr int n = 1'000'000;
    constexpr std::uintptr_t a_few_frames = 256 * 1024; // bounded inline transfers, under sanitizers too
    test_scheduler s;
    stack_range r;
    long sum = 0;
    s.set_turn_limit(100'000'000);
    auto const check = [&](auto work) {
        s.run(work);
        CHECK(r.size() < a_few_frames);
    };
    SECTION("drained") {
        check([&]() -> task<> { co_await (looking(n, r) | streams::drain()); });
    }
    SECTION("with tasks as functions") {
        auto add = [&](int x) -> task<> {
            r.look();
            sum += x;
            co_return;
        };
        check([&]() -> task<> { co_await (looking(n, r) | streams::for_each(add)); });
        CHECK(sum > 0);
    }
    SECTION("by hand") {
        check([&]() -> task<> {
            auto body = [&](auto& in) -> task<> {
                while (auto x = co_await next(in)) {
                    r.look();
                    sum += *x;
                }
            };
            co_await coir::with_stream(looking(n, r), body);
        });
        CHECK(sum > 0);
    }
    SECTION("by hand, with a task for each") {
        auto add = [&](int x) -> task<> {
            r.look();
            sum += x;
            co_return;
        };
        check([&]() -> task<> {
            auto body = [&](auto& in) -> task<> {
                while (auto x = co_await next(in)) {
                    co_await add(*x);
                }
            };
            co_await coir::with_stream(looking(n / 10, r), body);
        });
        CHECK(sum > 0);
    }
    SECTION("of a generator that awaits a task for each") {
        auto ready = [&](int x) -> task<int> {
            r.look();
            co_return x;
        };
        auto source = [&]() -> stream<int> {
            for (int i = 0; i < n / 10; ++i) {
                co_yield co_await ready(i);
            }
        };
        check([&]() -> task<> { co_await (source() | streams::drain()); });
    }
}

namespace {

// `depth` generators, each of which pulls the next.
stream<int> tower(int depth, int n, stack_range* r) {
    r->look();
    if (depth == 0) {
        for (int i = 1; i <= n; ++i) {
            if (i == n) {
                co_await sleep_for(1ms); // all of them are suspended here
            }
            co_yield i;
        }
        co_return;
    }
    auto first = [](auto& in) -> task<numbers> {
        numbers all;
        while (auto x = co_await next(in)) {
            all.push_back(*x);
        }
        co_return all;
    };
    for (int x : co_await coir::with_stream(tower(depth - 1, n, r), first)) {
        co_yield x;
    }
}

} // namespace

TEST_CASE("generators that pull generators do not grow the stack, however many they are [H]") {
    test_scheduler s;
    stack_range r;
    auto const end = s.run([&]() -> task<numbers> { co_return co_await (tower(300, 3, &r) | streams::to_vector()); });
    CHECK(end.value() == numbers{1, 2, 3});
    CHECK(r.size() < 256 * 1024);
}

TEST_CASE("what a generator awaits may fail, wait, unwind and be caught, without its consumer hearing of it [S7]") {
    test_scheduler s;
    entries log;
    auto inner = [&log](int x) -> task<int, err> {
        leaving const here{log, "left " + std::to_string(x)};
        if (x == 2) {
            co_await sleep_for(1ms);
        }
        if (x == 1 || x == 2) {
            co_await coir::fail<err>(x);
        }
        co_return x;
    };
    auto source = [&]() -> stream<int> {
        for (int i = 0; i < 4; ++i) {
            auto const end = co_await coir::as_outcome(inner(i));
            co_yield end.is_success() ? i : -i;
            auto const late = co_await coir::timeout(coir::as_result(inner(10 + i)), 1s);
            co_yield late ? late->value() : 0;
        }
    };
    auto const end = s.run([&]() -> task<numbers> {
        auto const all = co_await (source() | streams::to_vector());
        co_return all;
    });
    CHECK(end.value() == numbers{0, 10, -1, 11, -2, 12, 3, 13});
    CHECK(log == entries{"left 0", "left 10", "left 1", "left 11", "left 2", "left 12", "left 3", "left 13"});
}
