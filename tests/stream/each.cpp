// poll_each, the loop that fused stages run in: it does what pulling one by one does, in the same
// order, however the functions and the stream end, and it stops in time.
#include "each_support.hpp"

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <forward_list>
#include <list>
#include <memory>
#include <random>
#include <ranges>
#include <sstream>
#include <thread>

using namespace stream_test;
using coir_test::counted;

TEST_CASE("a fused pipeline in a loop calls its functions as one that is pulled does [S1][E]") {
    check_same([](record& r, auto how) {
        auto tripled = [&r](int x) { return r.note("triple ", x), 3 * x; };
        auto odd = [&r](int x) { return r.note("odd ", x), x % 2 != 0; };
        auto look = [&r](int x) { r.note("look ", x); };
        auto sum = [&r](int a, int x) { return r.note("sum ", x), a + x; };
        return how(streams::from(one_to(20)) | streams::transform(tripled) | streams::filter(odd) | streams::tap(look) |
                   streams::take(7)) |
               streams::fold(0, sum);
    });
}

TEST_CASE("awaited functions in the middle, and a signal that one of them fires [X4][E]") {
    deferred<> stop;
    auto const fire_at = GENERATE(0, 1, 4, 6);
    check_same([&](record& r, auto how) -> task<int, err> {
        deferred<> signal;
        auto look = [&r](int x) { r.note("look ", x); };
        auto wait = [&r](int x) -> task<> {
            r.note("wait ", x);
            if (x % 3 == 0) {
                co_await coir::yield();
                co_await sleep_for(1ms);
            }
        };
        auto keep = [&r](int x) -> task<bool> {
            r.note("keep ", x);
            if (x % 4 == 0) {
                co_await coir::yield();
            }
            co_return x != 5;
        };
        auto fire = [&](int x) {
            r.note("fire ", x);
            if (x == fire_at) {
                signal.succeed();
            }
        };
        auto sum = [&r](int a, int x) { return r.note("sum ", x), a + x; };
        auto close = finalizer(r.log);
        co_return co_await (how(counting(8) | streams::tap(look) | streams::tap(wait) | streams::ensuring(close) |
                                streams::interrupt_when(signal) | streams::filter(keep) | streams::tap(fire) |
                                streams::interrupt_when(signal)) |
                            streams::fold(0, sum));
    });
}

namespace {

// A pipeline of random stages.
class random_pipeline {
public:
    random_pipeline(record& r, deferred<>& signal, unsigned seed) : r_{r}, signal_{signal}, random_{seed} {}

    stream<int, err> make() {
        stream<int, err> s = streams::from(one_to(below(12)));
        return extend(std::move(s), below(8));
    }

private:
    int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

    stream<int, err> extend(stream<int, err> s, int times) {
        return times == 0 ? std::move(s) : extend(extend(std::move(s)), times - 1);
    }

    stream<int, err> extend(stream<int, err> s) {
        int const n = below(10) + 1;
        record* const r = &r_;
        switch (below(10)) {
        case 0: return std::move(s) | streams::take(static_cast<std::size_t>(n));
        case 1: {
            auto keep = [r, n](int x) { return r->note("filter ", x), x % (n + 1) != 0; };
            return std::move(s) | streams::filter(keep);
        }
        case 2: {
            auto change = [r, n](int x) { return r->note("transform ", x), x + n; };
            return std::move(s) | streams::transform(change);
        }
        case 3: {
            auto look = [r](int x) { r->note("tap ", x); };
            return std::move(s) | streams::tap(look);
        }
        case 4: {
            auto wait = [r, n](int x) -> task<int> {
                r->note("task ", x);
                if (x % n == 0) {
                    co_await sleep_for(1ms);
                }
                co_return x + 1;
            };
            return std::move(s) | streams::transform(wait);
        }
        case 5: {
            auto fail = [r, n](int x) -> task<int, err> {
                r->note("may fail ", x);
                if (x == n) {
                    co_await coir::fail<err>(x);
                }
                co_return x;
            };
            return std::move(s) | streams::transform(fail);
        }
        case 6: return std::move(s) | streams::interrupt_when(signal_);
        case 7: {
            auto fire = [r, n, d = &signal_](int x) {
                r->note("fire ", x);
                if (x == n) {
                    d->succeed();
                }
            };
            return std::move(s) | streams::tap(fire);
        }
        case 8: {
            auto close = finalizer(r->log);
            return std::move(s) | streams::ensuring(close);
        }
        default: return regenerated(std::move(s));
        }
    }

    static stream<int, err> regenerated(stream<int, err> s) {
        co_yield 0;
        auto each = [](auto& in) -> task<int, err> {
            auto x = co_await next(in);
            co_return x ? *x : -1;
        };
        int const n = co_await coir::with_stream(std::move(s), each);
        co_yield const_cast<int&&>(n);
    }

    record& r_;
    deferred<>& signal_;
    std::minstd_rand random_;
};

} // namespace

TEST_CASE("random pipelines in a loop do what they do when they are pulled [S1][E]") {
    for (unsigned seed = 1; seed <= 600; ++seed) {
        auto run = [seed](record& r, auto how) -> task<int, err> {
            deferred<> signal;
            auto sum = [&r](int a, int x) { return r.note("sum ", x), a + x; };
            co_return co_await (how(random_pipeline{r, signal, seed}.make()) | streams::fold(0, sum));
        };
        CAPTURE(seed);
        int const throwing_call = static_cast<int>(seed % 40);
        REQUIRE(logged(run, in_a_loop{}, throwing_call) == logged(run, pulled{}, throwing_call));
    }
}

TEST_CASE("elements that can only be moved pass all stages of a loop, without a copy [S1]") {
    counted::reset();
    test_scheduler s;
    std::vector<std::unique_ptr<counted>> all;
    for (int i = 0; i < 10; ++i) {
        all.push_back(std::make_unique<counted>(i));
    }
    auto const end = s.run([&]() -> task<std::unique_ptr<counted>> {
        auto add = [](std::unique_ptr<counted> a, std::unique_ptr<counted> b) {
            a->value += b->value;
            return a;
        };
        co_return co_await (streams::from(std::move(all)) |
                            streams::filter([](std::unique_ptr<counted> const& p) { return p->value % 2 == 0; }) |
                            streams::transform([](std::unique_ptr<counted> p) { return p; }) |
                            streams::tap([](std::unique_ptr<counted> const& p) { ++p->value; }) | streams::take(3) |
                            streams::fold(std::make_unique<counted>(100), add));
    });
    CHECK(end.value()->value == 100 + 1 + 3 + 5);
    CHECK(counted::copies() == 0);
    CHECK(counted::moves() == 0);
}

TEST_CASE("an element is moved no more often than its functions do [S1]") {
    counted::reset();
    test_scheduler s;
    s.run([]() -> task<> {
        std::vector<counted> all(100);
        counted::reset();
        co_await (streams::from(std::move(all)) | streams::filter([](counted const&) { return true; }) |
                  streams::tap([](counted const&) {}) | streams::take(50) | streams::for_each([](counted const&) {}));
        CHECK(counted::copies() == 0);
        CHECK(counted::moves() == 50); // out of the vector
    });
}

namespace {

// Where the stream was cut makes no difference.
template <class Make>
void check_elements(Make make, numbers const& expected) {
    test_scheduler s;
    auto const end = s.run([&]() -> task<numbers> { co_return co_await (make() | streams::to_vector()); });
    CHECK(end.value() == expected);
}

} // namespace

TEST_CASE("all kinds of ranges are read to their end, whatever their length [S1]") {
    int const n = GENERATE(0, 1, 1023, 1024, 1025, 2048, 5000);
    auto const expected = one_to(n);
    SECTION("a vector") {
        check_elements([n] { return streams::from(one_to(n)); }, expected);
    }
    SECTION("a view that knows its length") {
        check_elements([n] { return streams::from(std::views::iota(1, n + 1)); }, expected);
    }
    SECTION("indices that are larger than any difference") {
        auto narrow = [](std::uint64_t x) { return static_cast<int>(x); };
        auto const last = static_cast<std::uint64_t>(n) + 1;
        check_elements(
            [=] { return streams::from(std::views::iota(std::uint64_t{1}, last)) | streams::transform(narrow); },
            expected);
    }
    SECTION("a list") {
        check_elements([&] { return streams::from(std::list<int>(expected.begin(), expected.end())); }, expected);
    }
    SECTION("a list in one direction, of somebody else's") {
        std::forward_list<int> const all(expected.begin(), expected.end());
        check_elements([&] { return streams::from(all); }, expected);
    }
    SECTION("a view without a known end") {
        auto small = [n](int x) { return x <= n; };
        check_elements([=] { return streams::from(std::views::iota(1) | std::views::take_while(small)); }, expected);
    }
    SECTION("what can be read once") {
        std::stringstream text;
        for (int x : expected) {
            text << x << ' ';
        }
        check_elements([&] { return streams::from(std::views::istream<int>(text)); }, expected);
    }
    SECTION("a vector of bool") {
        std::vector<bool> const bits(static_cast<std::size_t>(n), true);
        auto widen = [](bool b) { return b ? 1 : 0; };
        check_elements([&] { return streams::from(bits) | streams::transform(widen); },
                       numbers(static_cast<std::size_t>(n), 1));
    }
    SECTION("erased") {
        check_elements([n] { return stream<int>{streams::from(one_to(n))} | streams::take(10'000); }, expected);
    }
}

TEST_CASE("a loop goes on after a stop where it was [S2]") {
    test_scheduler s;
    s.run([]() -> task<> {
        numbers seen;
        auto all = streams::from(std::views::iota(0, 3000)) | streams::filter([](int x) { return x % 2 == 0; });
        auto body = [&](auto& in) -> task<> {
            for (int i = 0; i < 3; ++i) {
                auto x = co_await next(in);
                seen.push_back(*x);
            }
        };
        co_await coir::with_stream(std::move(all), body);
        CHECK(seen == numbers{0, 2, 4});
    });
}

TEST_CASE("the element after the one that fires the signal is not pulled, wherever it is [X3][X4]") {
    int const last = GENERATE(0, 1, 1022, 1023, 1024, 1025, 3000);
    bool const above = GENERATE(true, false);
    test_scheduler s;
    deferred<> stop;
    int pulled_last = -1;
    numbers seen;
    auto pull = [&](int x) {
        pulled_last = x;
        if (above && x == last) {
            stop.succeed();
        }
    };
    auto see = [&](int x) {
        seen.push_back(x);
        if (!above && x == last) {
            stop.succeed();
        }
    };
    s.run([&]() -> task<> {
        co_await (streams::from(std::views::iota(0, 5000)) | streams::tap(pull) | streams::interrupt_when(stop) |
                  streams::filter([](int x) { return x >= 0; }) | streams::for_each(see));
    });
    CHECK(seen.size() == static_cast<std::size_t>(last) + 1);
    CHECK(seen.back() == last);
    CHECK(pulled_last == last);
    s.run([&]() -> task<> {
        co_await (streams::from(std::views::iota(0, 5000)) | streams::tap(pull) | streams::interrupt_when(stop) |
                  streams::for_each(see));
    });
    CHECK(pulled_last == last);
    CHECK(seen.back() == last);
}

TEST_CASE("a signal that another thread fires, and the body waits for, ends a loop at once [X4]") {
    test_scheduler s;
    deferred<> stop;
    int seen = 0;
    s.run([&]() -> task<> {
        auto see = [&](int x) {
            ++seen;
            if (x == 10) {
                std::thread{[&] { stop.succeed(); }}.join();
            }
        };
        co_await (streams::from(std::views::iota(0, 5000)) | streams::interrupt_when(stop) | streams::for_each(see));
    });
    CHECK(seen == 11);
}

namespace {

// How often others run while a million elements that are all at hand pass.
template <class Make>
int turns_of_others(Make make) {
    test_scheduler s;
    s.set_turn_limit(100'000'000);
    int turns = 0;
    s.run([&]() -> task<> {
        bool over = false;
        auto watch = [&]() -> task<> {
            while (!over) {
                ++turns;
                co_await coir::yield();
            }
        };
        auto const f = fork(watch);
        co_await make();
        over = true;
        co_await f;
    });
    return turns;
}

} // namespace

TEST_CASE("a million elements at hand give others a turn every thousand, and the stack does not grow [E]") {
    constexpr int n = 1'000'000;
    auto const all = [=] { return streams::from(std::views::iota(0, n)); };
    auto const check = [](auto make) {
        int const turns = turns_of_others(make);
        CHECK(turns > n / 1100);
        CHECK(turns < n / 300);
    };
    auto const none = [](int) { return false; };
    SECTION("all of them used") {
        check([&] { return all() | streams::fold(0L, [](long a, int b) { return a + b; }); });
    }
    SECTION("none of them used") {
        check([&] { return all() | streams::filter(none) | streams::drain(); });
    }
    SECTION("below a signal") {
        deferred<> never_done;
        check([&] { return all() | streams::interrupt_when(never_done) | streams::filter(none) | streams::drain(); });
    }
    SECTION("of a generator") {
        check([&] { return counting(n) | streams::filter(none) | streams::drain(); });
    }
    SECTION("erased") {
        check([&] { return stream<int>{all() | streams::filter(none)} | streams::drain(); });
    }
    SECTION("a task now and then") {
        auto wait = [](int x) -> task<int> { co_return x; };
        check([&] { return all() | streams::transform(wait) | streams::filter(none) | streams::drain(); });
    }
    SECTION("a task that says no") {
        auto no = [](int) -> task<bool> { co_return false; };
        check([&] { return all() | streams::filter(no) | streams::drain(); });
    }
}

TEST_CASE("filter awaits what its function returns, and only moves what it keeps [S1]") {
    counted::reset();
    test_scheduler s;
    auto const end = s.run([]() -> task<int> {
        auto odd = [](counted const& c) -> task<bool> {
            co_await coir::yield();
            co_return c.value % 2 != 0;
        };
        auto sum = [](int a, counted const& c) { return a + c.value; };
        auto made = [](int x) { return counted{x}; };
        co_return co_await (streams::from(one_to(9)) | streams::transform(made) | streams::filter(odd) |
                            streams::fold(0, sum));
    });
    CHECK(end.value() == 1 + 3 + 5 + 7 + 9);
    CHECK(counted::copies() == 0);
    CHECK(counted::alive() == 0);
}

TEST_CASE("a filter whose task fails, throws or is interrupted ends the stream so [S7]") {
    test_scheduler s;
    entries log;
    auto const run = [&](auto keep) {
        return s.run([&]() -> task<numbers, err> {
            auto close = finalizer(log);
            auto named = keep;
            co_return co_await (streams::from(one_to(3)) | streams::ensuring(close) | streams::filter(named) |
                                streams::to_vector());
        });
    };
    SECTION("fails") {
        auto const end = run([](int x) -> task<bool, err> {
            co_await coir::yield();
            if (x == 2) {
                co_await coir::fail<err>(2);
            }
            co_return true;
        });
        REQUIRE(end.is_failure());
        CHECK(end.error() == err{2});
    }
    SECTION("throws") {
        auto const end = run([](int x) -> task<bool> {
            co_await coir::yield();
            if (x == 2) {
                throw std::runtime_error{"filter"};
            }
            co_return true;
        });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "filter");
    }
    SECTION("is interrupted") {
        auto const end = run([](int) -> task<bool> {
            deferred<bool> d;
            d.interrupt();
            co_return co_await d;
        });
        CHECK(end.is_interrupted());
    }
    CHECK(log == entries{"finalizer begins", "finalizer ends"});
}
