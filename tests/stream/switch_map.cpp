// switch_map on the virtual clock.
#include "concurrent_support.hpp"

#include <coir/testing/explore.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace stream_test;

namespace {

// n * 10 + 1, 2... each after a period, and what became of it.
auto inner_of(entries& log, std::chrono::milliseconds period, int count) {
    return [&log, period, count](int n) {
        auto const number = [n](int i) { return 10 * n + i; };
        auto const name = std::to_string(n);
        auto close = [&log, name]() -> task<> {
            log.push_back(name + " closing");
            co_await sleep_for(1ms);
            log.push_back(name + " closed");
        };
        auto open = [&log, name](int) {
            if (std::find(log.begin(), log.end(), name) == log.end()) {
                log.push_back(name);
            }
        };
        return ticking(period, count) | streams::tap(coir::moved(open)) | streams::transform(number) |
               streams::ensuring(coir::moved(close));
    };
}

} // namespace

TEST_CASE("switch_map gives the elements of the newest inner stream [X35]") {
    entries log;
    test_scheduler s;
    auto const all = s.run([&] { return collect(ticking(10ms, 3) | streams::switch_map(inner_of(log, 4ms, 4))); });
    CHECK(all.value() == numbers{11, 12, 21, 22, 31, 32, 33, 34});
    CHECK(log == entries{"1", "1 closing", "1 closed", "2", "2 closing", "2 closed", "3", "3 closing", "3 closed"});
}

TEST_CASE("the old inner stream is released before the new one begins, in any schedule [X35]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        int open = 0;
        int most = 0;
        auto inner = [&](int n) -> stream<int> {
            struct opened {
                int* now;
                explicit opened(int* now_open) : now{now_open} { ++*now; }
                ~opened() { --*now; }
            } const here{&open};
            most = (std::max)(most, open);
            for (int i = 0; i < n % 3; ++i) {
                co_await coir::yield();
                co_yield n;
            }
            auto const wait = []() -> task<> { co_await coir::yield(); };
            co_await coir::ensuring(sleep_for(1ms), wait);
        };
        auto give_way = [](int n) -> task<> {
            if (n % 2 == 0) {
                co_await coir::yield();
            } else {
                co_await sleep_for(1ms);
            }
        };
        auto const all =
            s.run([&] { return collect(counting(12) | streams::tap(give_way) | streams::switch_map(inner)); });
        CHECK(all.is_success());
        CHECK(most == 1);
        CHECK(open == 0);
    });
}

TEST_CASE("of 1 to 4 only the last one emits [X36]") {
    test_scheduler s;
    auto const hangs = [](int n) -> stream<int> {
        if (n != 4) {
            deferred<> never;
            co_await never;
        }
        co_yield n;
    };
    CHECK(s.run([&] { return collect(streams::from(one_to(4)) | streams::switch_map(hangs)); }).value() == numbers{4});
    CHECK(s.run([&] { return collect(ticking(1ms, 4) | streams::switch_map(hangs)); }).value() == numbers{4});
}

TEST_CASE("when the outer stream ends the last inner one goes on to its end [X37]") {
    entries log;
    test_scheduler s;
    auto const all = s.run([&] { return collect(counting(1) | streams::switch_map(inner_of(log, 10ms, 3))); });
    CHECK(all.value() == numbers{1, 2, 3});
    CHECK(s.run([] { return collect(counting(0) | streams::switch_map([](int) { return never_gives(); })); })
              .value()
              .empty());
}

TEST_CASE("a failure of the inner or the outer stream is the stream's at once [X38]") {
    entries log;
    test_scheduler s;
    auto const fails = [](int n) { return fails_after(3ms, n); };
    auto const inner = s.run([&] { return collect(traced(log, "a", 2ms, 9) | streams::switch_map(fails)); });
    CHECK(inner.error() == err{9}); // all others were interrupted before they failed
    auto const slower = s.run([&] { return collect(ticking(7ms, 9) | streams::switch_map(fails)); });
    CHECK(slower.error() == err{1});
    log.clear();
    auto const outer_source = []() -> stream<int, err> {
        co_yield 1;
        co_await sleep_for(5ms);
        co_await coir::fail<err>(7);
    };
    auto const traced_inner = [&log](int) { return traced(log, "inner", 2ms, 9) | streams::ensuring(finalizer(log)); };
    auto const outer = s.run([&] { return collect(outer_source() | streams::switch_map(traced_inner)); });
    CHECK(outer.error() == err{7});
    CHECK(log == entries{"inner1", "inner2", "inner left", "finalizer begins", "finalizer ends"});
}

TEST_CASE("what an inner stream throws, in a pull, in its function or in closing, ends the stream [X38]") {
    test_scheduler s;
    auto const pull = [](int) { return throws_after(1ms); };
    CHECK(message_of(s.run([&] { return collect(counting(1) | streams::switch_map(pull)); }).defect()) == "boom");
    auto const make = [](int) -> stream<int> { throw std::runtime_error{"made"}; };
    CHECK(message_of(s.run([&] { return collect(counting(1) | streams::switch_map(make)); }).defect()) == "made");
    auto const closing = [](int) { return never_gives() | streams::ensuring(throwing_finalizer("closing")); };
    auto const end = s.run([&] { return collect(ticking(1ms, 2) | streams::switch_map(closing)); });
    CHECK(message_of(end.defect()) == "closing");
    auto const gone = [](int) { return interrupted_after(1ms); };
    CHECK(s.run([&] { return collect(counting(1) | streams::switch_map(gone)); }).is_interrupted());
}

TEST_CASE("what a finalizer of the inner stream throws after an exception of it is suppressed [X38][I12]") {
    test_scheduler s;
    auto const boom = [](int) -> int { throw std::runtime_error{"boom"}; };
    auto const inner = [&](int) {
        return ticking(1ms, 3) | streams::ensuring(throwing_finalizer("closing")) | streams::transform(boom);
    };
    auto const end = s.run([&] { return collect(counting(1) | streams::switch_map(inner)); });
    CHECK(message_of(end.defect()) == "boom");
    REQUIRE(end.suppressed().size() == 1);
    CHECK(message_of(end.suppressed()[0]) == "closing");
}

TEST_CASE("a burst of elements that is faster than the inner streams does not deadlock, and the newest wins [X39]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        auto const slow_start = [](int n) -> stream<int> {
            co_await coir::yield();
            co_await coir::yield();
            co_yield n;
        };
        auto const all = s.run([&] {
            return collect(counting(50) | streams::tap([](int) { return coir::yield(); }) |
                           streams::switch_map(slow_start));
        });
        REQUIRE(!all.value().empty());
        CHECK(all.value().back() == 49);
    });
}

TEST_CASE("what the old inner stream gave and nobody pulled is dropped, and it is released meanwhile [X35]") {
    entries log;
    test_scheduler s;
    numbers seen;
    s.run([&]() -> task<> {
        auto slow = [&](int n) -> task<> {
            seen.push_back(n);
            co_await sleep_for(25ms);
            log.push_back("consumed");
        };
        co_await (ticking(10ms, 2) | streams::switch_map(inner_of(log, 3ms, 3)) | streams::for_each(slow));
    });
    CHECK(seen == numbers{11, 21, 22, 23}); // 12 was ahead when 2 came
    CHECK(entries(log.begin(), log.begin() + 4) == entries{"1", "1 closing", "1 closed", "2"});
}

TEST_CASE("what was dropped is not given to who pulls before the new stream has something [X35]") {
    test_scheduler s;
    numbers seen;
    s.run([&]() -> task<> {
        auto slow = [&](int n) -> task<> {
            seen.push_back(n);
            co_await sleep_for(12ms);
        };
        auto const inner = [](int n) -> stream<int> {
            for (int i = 1; i <= 2; ++i) {
                co_await sleep_for(n == 1 ? 3ms : 12ms);
                co_yield 10 * n + i;
            }
        };
        co_await (ticking(10ms, 2) | streams::switch_map(inner) | streams::for_each(slow));
    });
    CHECK(seen == numbers{11, 21, 22}); // at 25 ms there is nothing: 12 went at 20, and 21 comes at 32
}

TEST_CASE("a consumer of switch_map that stops early has all released before it goes on [S10]") {
    entries log;
    test_scheduler s;
    s.run([&]() -> task<> {
        co_await (traced(log, "outer", 2ms, 9) | streams::switch_map(inner_of(log, 1ms, 9)) | streams::take(2) |
                  streams::drain());
        log.push_back("done");
    });
    CHECK(std::count(log.begin(), log.end(), "outer left") == 1);
    CHECK(log.back() == "done");
    CHECK(std::count_if(log.begin(), log.end(), [](auto const& e) { return e.ends_with("closing"); }) ==
          std::count_if(log.begin(), log.end(), [](auto const& e) { return e.ends_with("closed"); }));
}
