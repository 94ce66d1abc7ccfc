// debounce and debounce_collect on the virtual clock.
#include "stream_support.hpp"

#include <coir/testing/marbles.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace stream_test;
using coir::marbles::board;
using coir::marbles::line;
using coir::marbles::play;
using streams::debounce;
using streams::debounce_options;
using namespace coir::marbles::literals;

namespace {

using coir::clock;

// Elements with the gap before each, then after one more gap the end.
struct timed {
    std::chrono::milliseconds gap;
    int value;
};

stream<int, err> script(std::vector<timed> all, std::chrono::milliseconds end_gap = 0ms, int fails_with = 0) {
    for (auto const& t : all) {
        co_await sleep_for(t.gap);
        co_yield t.value;
    }
    co_await sleep_for(end_gap);
    if (fails_with != 0) {
        co_await coir::fail<err>(fails_with);
    }
}

struct arrival {
    long at_ms;
    numbers values;
    bool operator==(arrival const&) const = default;
};
using arrivals = std::vector<arrival>;

std::ostream& operator<<(std::ostream& out, arrival const& a) {
    out << '@' << a.at_ms << ':';
    for (int const n : a.values) {
        out << ' ' << n;
    }
    return out;
}

// Runs a stream and notes when what arrives.
class observed {
public:
    template <class S>
    coir::outcome<coir::unit, err> run(S source) {
        auto note = [this](auto element) {
            auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(s_.elapsed()).count();
            if constexpr (std::is_same_v<decltype(element), int>) {
                seen_.push_back(arrival{ms, {element}});
            } else {
                seen_.push_back(arrival{ms, element});
            }
        };
        return s_.run([&]() -> task<coir::unit, err> {
            co_await (std::move(source) | streams::for_each(note));
            co_return coir::unit{};
        });
    }
    arrivals const& seen() const { return seen_; }
    test_scheduler& scheduler() { return s_; }

private:
    test_scheduler s_;
    arrivals seen_;
};

} // namespace

TEST_CASE("debounce gives the newest element once it has been quiet [X15]") {
    observed o;
    auto const end = o.run(script({{0ms, 1}, {500ms, 2}}, 10s) | streams::debounce(1s));
    CHECK(end.is_success());
    CHECK(o.seen() == arrivals{{1500, {2}}});
    CHECK(o.scheduler().elapsed() == 10'500ms);
}

TEST_CASE("gaps just below the quiet time hold elements back, gaps above let each pass [X16]") {
    std::vector<timed> all;
    for (int i = 0; i < 10; ++i) {
        all.push_back({99ms, i});
    }
    for (int i = 10; i < 20; ++i) {
        all.push_back({101ms, i});
    }
    observed o;
    o.run(script(all) | streams::debounce(100ms));
    numbers passed;
    for (auto const& a : o.seen()) {
        passed.push_back(a.values[0]);
    }
    CHECK(passed == numbers{9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}); // 9 was followed by a gap of 101
}

TEST_CASE("an element that is pending at the end is given at once [X17]") {
    observed o;
    o.run(script({{0ms, 1}, {10ms, 2}}) | streams::debounce(1s));
    CHECK(o.seen() == arrivals{{10, {2}}});
    CHECK(o.scheduler().elapsed() == 10ms);
}

TEST_CASE("an element that is pending at a failure is dropped, and the failure is immediate [X18]") {
    observed o;
    auto const end = o.run(script({{0ms, 1}, {10ms, 2}}, 5ms, 7) | streams::debounce(1s));
    CHECK(end.error() == err{7});
    CHECK(o.seen().empty());
    CHECK(o.scheduler().elapsed() == 15ms);
}

TEST_CASE("what upstream throws, or how it is interrupted, passes through debounce [X18]") {
    bool const throws = GENERATE(true, false);
    auto source = [throws]() -> stream<int, err> {
        co_yield 1;
        co_await sleep_for(5ms);
        if (throws) {
            throw std::runtime_error{"boom"};
        }
        deferred<> d;
        d.interrupt();
        co_await d;
    };
    observed o;
    auto const end = o.run(source() | streams::debounce(1s));
    CHECK(end.is_defect() == throws);
    CHECK(end.is_interrupted() == !throws);
    CHECK(o.seen().empty());
    observed o2;
    auto const end2 = o2.run(source() | streams::debounce_collect(1s, 1s, 9));
    CHECK(end2.is_defect() == throws);
    CHECK(end2.is_interrupted() == !throws);
}

TEST_CASE("no quiet time is identity, a negative one is rejected [X19]") {
    observed o;
    o.run(script({{0ms, 1}, {0ms, 2}, {5ms, 3}}) | streams::debounce(0ms));
    CHECK(o.seen() == arrivals{{0, {1}}, {0, {2}}, {5, {3}}});
    CHECK_THROWS_AS(streams::debounce(-1ms), std::invalid_argument);
    CHECK_THROWS_AS(streams::debounce_collect(-1ms, 1ms, 1), std::invalid_argument);
    CHECK_THROWS_AS(streams::debounce_collect(1ms, -1ms, 1), std::invalid_argument);
    CHECK_THROWS_AS(streams::debounce_collect(1ms, 1ms, 0), std::invalid_argument);
}

TEST_CASE("debounce of nothing is nothing, at once, and leaves no timer [X20]") {
    observed o;
    o.run(script({}) | streams::debounce(1s));
    o.run(script({}) | streams::debounce_collect(1s, 1s, 3));
    CHECK(o.seen().empty());
    CHECK(o.scheduler().elapsed() == 0ms);
}

TEST_CASE("debounce that is interrupted ends what it runs, with its clean-up, before it has ended [X21][X22]") {
    auto const when = GENERATE(5ms, 15ms, 150ms); // before the first element, while its timer runs, after it fired
    bool const collects = GENERATE(false, true);
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto source = [](entries& l) -> stream<int> {
            leaving const here{l, "source"};
            co_await sleep_for(10ms);
            co_yield 1;
            co_await sleep_for(24h);
        };
        auto run = [&]() -> task<> {
            auto close = finalizer(log);
            auto upstream = source(log) | streams::ensuring(close);
            if (collects) {
                co_await (std::move(upstream) | streams::debounce_collect(100ms, 1s, 9) | streams::drain());
            } else {
                co_await (std::move(upstream) | streams::debounce(100ms) | streams::drain());
            }
        };
        auto const f = fork(run);
        co_await sleep_for(when);
        auto const& end = co_await f.interrupt();
        log.push_back("seen");
        CHECK(end.is_interrupted());
    });
    CHECK(log == entries{"source", "finalizer begins", "finalizer ends", "seen"});
}

TEST_CASE("debounce that is not pulled any more ends what it runs before the result is seen [X21][S2]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto close = finalizer(log);
        auto const v = co_await (ticking(10ms, 1'000) | streams::ensuring(close) | streams::debounce(5ms) |
                                 streams::take(2) | streams::to_vector());
        log.push_back("seen");
        CHECK(v == numbers{1, 2});
    });
    CHECK(log == entries{"finalizer begins", "finalizer ends", "seen"});
}

TEST_CASE("timing follows the steady clock, wherever the system's jumps [X23]") {
    observed o;
    auto source = [](test_scheduler& s) -> stream<int> {
        co_yield 1;
        co_await sleep_for(40ms);
        s.set_system_time(s.system_now() + 24h);
        co_yield 2;
        co_await sleep_for(40ms);
        s.set_system_time(s.system_now() - 48h);
        co_await sleep_for(200ms);
    };
    o.run(source(o.scheduler()) | streams::debounce(100ms));
    CHECK(o.seen() == arrivals{{140, {2}}});
}

TEST_CASE("while the consumer is slow, upstream is one element ahead [X24]") {
    test_scheduler s;
    int made = 0;
    s.run([&]() -> task<> {
        auto source = [](int& n) -> stream<int> {
            for (;;) {
                co_await sleep_for(10ms);
                co_yield int{++n};
            }
        };
        auto consume = [&](int n) -> task<> {
            co_await sleep_for(10s);
            CHECK(made == n + 1);
        };
        co_await (source(made) | streams::debounce(5ms) | streams::take(3) | streams::for_each(consume));
    });
}

TEST_CASE("debounce_collect gives all of a burst, in order [X25]") {
    observed o;
    SECTION("after the quiet time, which begins again with each element") {
        o.run(script({{0ms, 1}, {90ms, 2}, {90ms, 3}, {200ms, 4}}, 1s) | streams::debounce_collect(100ms, 10s, 100));
        CHECK(o.seen() == arrivals{{280, {1, 2, 3}}, {480, {4}}});
    }
    SECTION("after the longest wait, which counts from the first element") {
        o.run(script({{50ms, 1}, {90ms, 2}, {90ms, 3}, {90ms, 4}}, 1s) | streams::debounce_collect(100ms, 200ms, 100));
        CHECK(o.seen() == arrivals{{250, {1, 2, 3}}, {420, {4}}});
    }
    SECTION("as soon as there are enough") {
        o.run(script({{0ms, 1}, {1ms, 2}, {1ms, 3}, {1ms, 4}}, 1s) | streams::debounce_collect(100ms, 10s, 3));
        CHECK(o.seen() == arrivals{{2, {1, 2, 3}}, {103, {4}}});
    }
    SECTION("at the end, at once") {
        o.run(script({{0ms, 1}, {1ms, 2}}) | streams::debounce_collect(100ms, 10s, 100));
        CHECK(o.seen() == arrivals{{1, {1, 2}}});
        CHECK(o.scheduler().elapsed() == 1ms);
    }
    SECTION("one at a time") {
        o.run(script({{0ms, 1}, {0ms, 2}}) | streams::debounce_collect(100ms, 10s, 1));
        CHECK(o.seen() == arrivals{{0, {1}}, {0, {2}}});
    }
    SECTION("times without an end") {
        auto const forever = (clock::duration::max)();
        o.run(script({{0ms, 1}, {1h, 2}}, 1h) | streams::debounce_collect(forever, forever, 100));
        CHECK(o.seen() == arrivals{{7'200'000, {1, 2}}});
    }
}

TEST_CASE("a burst is dropped by a failure of upstream, which is immediate [X18][X25]") {
    observed o;
    auto const end = o.run(script({{0ms, 1}, {10ms, 2}}, 5ms, 7) | streams::debounce_collect(1s, 1s, 9));
    CHECK(end.error() == err{7});
    CHECK(o.seen().empty());
    CHECK(o.scheduler().elapsed() == 15ms);
}

TEST_CASE("flush gives the batch at once, and only what is there [X26]") {
    observed o;
    streams::flush_handle flush;
    auto flush_at = [](std::chrono::milliseconds d, streams::flush_handle h) -> task<> {
        co_await sleep_for(d);
        h.flush();
    };
    auto const source = script({{0ms, 1}, {20ms, 2}, {20ms, 3}, {1s, 4}}, 10s);
    static_cast<void>(source);
    auto run = [&](std::vector<std::chrono::milliseconds> moments) {
        for (auto const m : moments) {
            o.scheduler().start(flush_at, m, flush);
        }
        o.run(script({{0ms, 1}, {20ms, 2}, {20ms, 3}, {1s, 4}}, 10s) |
              streams::debounce_collect(500ms, 10s, 100, flush));
    };
    SECTION("in the middle of a burst") {
        run({30ms});
        CHECK(o.seen() == arrivals{{30, {1, 2}}, {540, {3}}, {1540, {4}}});
    }
    SECTION("twice at once is once") {
        run({30ms, 30ms});
        CHECK(o.seen() == arrivals{{30, {1, 2}}, {540, {3}}, {1540, {4}}});
    }
    SECTION("when nothing is pending, it does nothing") {
        run({700ms, 700ms, 710ms});
        CHECK(o.seen() == arrivals{{540, {1, 2, 3}}, {1540, {4}}});
    }
    SECTION("before the stream is started, it does nothing") {
        flush.flush();
        run({});
        CHECK(o.seen() == arrivals{{540, {1, 2, 3}}, {1540, {4}}});
    }
    SECTION("after the stream has ended") {
        run({});
        flush.flush();
        CHECK(o.seen().size() == 2);
    }
}

TEST_CASE("a flush does not begin the quiet time again [X26]") {
    observed o;
    streams::flush_handle flush;
    auto flushing = [](streams::flush_handle h) -> task<> {
        co_await sleep_for(90ms);
        h.flush(); // gives 1
        co_await sleep_for(50ms);
        h.flush(); // nothing is there
    };
    o.scheduler().start(flushing, flush);
    o.run(script({{0ms, 1}, {130ms, 2}}, 10s) | streams::debounce_collect(100ms, 10s, 100, flush));
    CHECK(o.seen() == arrivals{{90, {1}}, {140, {2}}});
}

TEST_CASE("all elements arrive, once and in order, in every order of the fibers [X25]") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        INFO("seed " << seed);
        test_scheduler s{seed};
        streams::flush_handle flush;
        numbers all;
        s.run([&]() -> task<> {
            auto source = []() -> stream<int> {
                for (int i = 0; i < 30; ++i) {
                    if (i % 3 == 0) {
                        co_await sleep_for(std::chrono::milliseconds{i % 4});
                    }
                    co_yield i;
                }
            };
            auto flushing = [&]() -> task<> {
                for (int i = 0; i < 10; ++i) {
                    co_await sleep_for(1ms);
                    flush.flush();
                }
            };
            fork(flushing);
            auto append = [&](numbers const& batch) {
                CHECK_FALSE(batch.empty());
                all.insert(all.end(), batch.begin(), batch.end());
            };
            co_await (source() | streams::debounce_collect(2ms, 3ms, 4, flush) | streams::for_each(append));
        });
        REQUIRE(all.size() == 30);
        for (int i = 0; i < 30; ++i) {
            CHECK(all[static_cast<std::size_t>(i)] == i);
        }
    }
}

TEST_CASE("with leading the first element after a pause is given at once [X27]") {
    debounce_options const leading{.leading = true};
    CHECK(play("abc-----d|", debounce(2_dashes, leading)) == "a---c---d|");
    CHECK(play("a-----b---|", debounce(2_dashes, leading)) == "a-----b---|"); // each is the first, and the last
    CHECK(play("ab|", debounce(5_dashes, leading)) == "a-(b|)");
    CHECK(play("ab#x", debounce(5_dashes, leading)) == "a-#x");
    CHECK(play("(abc)|", debounce(0s, leading)) == "(abc)|");
}

TEST_CASE("with leading the pause counts from the last element, given or not [X27]") {
    debounce_options const leading{.leading = true};
    CHECK(play("a-b-c-d-----|", debounce(25ms, leading)) == "a-------[5ms]d--[5ms]|");
    CHECK(play("a-b----c-|", debounce(25ms, leading)) == "a---[5ms]b-[5ms]c-|");
}

TEST_CASE("with max_wait a burst that does not end gives its newest [X27]") {
    CHECK(play("abcdefgh---|", debounce(2_dashes, debounce_options{.max_wait = 35ms})) == "---[5ms]d---h--[5ms]|");
    CHECK(play("abcdefgh---|", debounce(2_dashes, debounce_options{.leading = true, .max_wait = 35ms})) ==
          "a---[5ms]e---h-[5ms]|");
    CHECK(play("ab---c-|", debounce(9_dashes, debounce_options{.max_wait = 0s})) == "ab---c-|");
    CHECK_THROWS_AS(debounce(1s, debounce_options{.max_wait = -1ms}), std::invalid_argument);
}

TEST_CASE("debounce in other operators that pull in fibers of their own [X22]") {
    board b;
    line left, right;
    CHECK(b.play(streams::merge(b.source("ab----c-|", left) | debounce(2_dashes),
                                b.source("--1-2---|", right) | debounce(3_dashes))) == "---b---2(c|)");
    CHECK(b.play(streams::merge(b.source("ab----c-|", left) | debounce(2_dashes),
                                b.source("--1-2#x", right) | debounce(3_dashes))) == "---b-#x");
    CHECK(left == "ab---!");
    CHECK(b.play(streams::merge(b.source("ab----c-|", left), b.source("--1-2---|", right)) | debounce(5ms) |
                 debounce(15ms) | streams::take(1)) == "----(1|)");
}

TEST_CASE("debounce that was left has closed upstream, and leaves no timer [X20][X21]") {
    board b;
    line seen;
    CHECK(b.play(b.source("ab--c|", seen) | debounce(2_dashes), {.interrupted_at = 2_dashes}) == "--!");
    CHECK(seen == "ab!");
    CHECK(b.play(b.source("", seen) | debounce(2_dashes)) == "");
    CHECK(b.play(b.source("|", seen) | debounce(2_dashes)) == "|");
    CHECK(seen == "|");
}
