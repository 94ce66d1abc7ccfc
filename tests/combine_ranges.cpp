// Combinators over ranges: for_each with its limit, when_any and race.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <list>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using coir::max_concurrency;
using coir::task;
using coir::test_scheduler;

namespace {

struct failed {
    int code;
};

// Counts how many run at once.
struct gauge {
    int running = 0;
    int most = 0;
    int started = 0;
    int ended = 0;

    task<int, failed> run(int n) {
        ++started;
        most = (std::max)(most, ++running);
        auto const leaves = [this]() -> task<> {
            --running;
            ++ended;
            co_return;
        };
        co_await coir::ensuring(coir::sleep_for(std::chrono::milliseconds{n}), leaves);
        if (n == 13) {
            co_await coir::fail(failed{n});
        }
        co_return n * 2;
    }
};

task<int, failed> after(int ms, int v) {
    co_await coir::sleep_for(std::chrono::milliseconds{ms});
    if (v < 0) {
        co_await coir::fail(failed{v});
    }
    co_return v;
}

task<> nothing() { co_return; }

} // namespace

TEST_CASE("for_each gives the results in order, and never runs more than the limit [R14][R16]") {
    test_scheduler scheduler;
    gauge g;
    std::vector<int> const in{50, 10, 40, 20, 30, 60};
    auto const root = [&]() -> task<std::vector<int>, failed> {
        auto const f = [&](int const& n) { return g.run(n); };
        co_return co_await coir::for_each(in, f, max_concurrency{2});
    };
    auto const before = scheduler.now();
    CHECK(scheduler.run(root).value() == std::vector{100, 20, 80, 40, 60, 120});
    CHECK(g.most == 2);
    CHECK(g.started == 6);
    // 50 beside 10, 40; then 20, 30 beside 60: a next one starts when one has ended.
    CHECK(scheduler.now() - before == 130ms);
}

TEST_CASE("with a limit above the number of elements all run at once, and with 1 one after the other [R16]") {
    gauge g;
    std::vector<int> const in{3, 2, 1};
    std::size_t const limit = GENERATE(1U, 3U, 100U);
    auto const root = [&]() -> task<std::vector<int>, failed> {
        auto const f = [&](int n) { return g.run(n); };
        co_return co_await coir::for_each(in, f, max_concurrency{limit});
    };
    CHECK(test_scheduler{}.run(root).value() == std::vector{6, 4, 2});
    CHECK(g.most == static_cast<int>((std::min)(limit, std::size_t{3})));
}

TEST_CASE("for_each of nothing returns at once, and of a limit of 0 is refused [R18]") {
    gauge g;
    auto const f = [&](int n) { return g.run(n); };
    auto const root = [&]() -> task<std::size_t, failed> {
        std::vector<int> const none;
        auto const out = co_await coir::for_each(none, f, max_concurrency{4});
        co_return out.size();
    };
    CHECK(test_scheduler{}.run(root).value() == 0);
    CHECK(g.started == 0);
    std::vector<int> const one{1};
    CHECK_THROWS_AS(coir::for_each(one, f, max_concurrency{0}), std::invalid_argument);
}

TEST_CASE("the first failure in for_each interrupts those that run and starts no other [R15]") {
    gauge g;
    std::vector<int> const in{500, 13, 400, 300, 200};
    auto const root = [&]() -> task<int> {
        auto const f = [&](int n) { return g.run(n); };
        auto const r = co_await coir::as_result(coir::for_each(in, f, max_concurrency{2}));
        CHECK(g.running == 0); // all have cleaned up
        co_return r.error().code;
    };
    CHECK(test_scheduler{}.run(root).value() == 13);
    CHECK(g.started == 2);
    CHECK(g.ended == 2);
}

TEST_CASE("no other element is begun after a failure, also by workers that never wait [R15]") {
    for (std::uint64_t seed = 0; seed < coir_test::seeds(); ++seed) {
        int begun_late = 0;
        bool has_failed = false;
        auto const f = [&](int n) -> task<int, failed> {
            begun_late += has_failed ? 1 : 0;
            if (n == 5) {
                has_failed = true;
                co_await coir::fail(failed{n});
            }
            co_return n;
        };
        auto const root = [&]() -> task<bool> {
            auto const r = co_await coir::as_result(coir::for_each(std::views::iota(0, 100), f, max_concurrency{4}));
            co_return r.has_value();
        };
        CHECK_FALSE(test_scheduler{seed}.run(root).value());
        CHECK(begun_late <= 3); // one each that had its element already
    }
}

TEST_CASE("a function that throws in for_each interrupts the others, and its exception is the result [R17]") {
    gauge g;
    auto const root = [&]() -> task<bool, failed> {
        auto const f = [&](int n) {
            if (n == 3) {
                throw std::runtime_error{"no task for this"};
            }
            return g.run(n * 100);
        };
        std::vector<int> const in{1, 2, 3, 4};
        bool thrown = false;
        try {
            co_await coir::for_each(in, f, max_concurrency{3});
        } catch (std::runtime_error const&) {
            thrown = true;
        }
        co_return thrown&& g.running == 0 && g.ended == 2;
    };
    CHECK(test_scheduler{}.run(root).value());
}

TEST_CASE("whoever interrupts a for_each waits for what runs in it [R6]") {
    gauge g;
    auto const root = [&]() -> task<bool> {
        auto const work = [&]() -> task<void, failed> {
            auto const f = [&](int n) { return g.run(n); };
            std::vector<int> const in(3, 1000);
            co_await coir::for_each(in, f, max_concurrency{2});
        };
        auto const running = coir::fork(work);
        co_await coir::sleep_for(1ms);
        auto const& end = co_await running.interrupt();
        co_return end.is_interrupted() && g.running == 0 && g.started == 2;
    };
    CHECK(test_scheduler{}.run(root).value());
}

TEST_CASE("for_each takes lists, temporaries, single-pass ranges and elements to be changed in place") {
    auto const root = []() -> task<> {
        auto const doubled = [](int& n) -> task<> {
            co_await coir::yield();
            n *= 2;
        };
        std::list<int> numbers{1, 2, 3};
        auto const units = co_await coir::for_each(numbers, doubled, max_concurrency{2});
        CHECK(numbers == std::list{2, 4, 6});
        CHECK(units.size() == 3);

        auto const length = [](std::string const& s) -> task<std::size_t> { co_return s.size(); };
        std::vector<std::string> words{"a", "bcd"};
        auto const kept = co_await coir::for_each(std::move(words), length, max_concurrency{2});
        CHECK(kept == std::vector<std::size_t>{1, 3});

        std::istringstream text{"5 6 7"};
        auto const next = [](int n) -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(n + 1); };
        auto const pointers = co_await coir::for_each(std::ranges::istream_view<int>(text), next, max_concurrency{2});
        CHECK(pointers.size() == 3);
        CHECK(*pointers.back() == 8);
    };
    CHECK(test_scheduler{}.run(root).is_success());
}

TEST_CASE("for_each on several threads visits each element once [R16]") {
    coir::thread_pool pool{4};
    std::vector<int> hits(500);
    std::atomic<int> running{0};
    std::atomic<int> most{0};
    auto const root = [&]() -> task<> {
        auto const f = [&](int& hit) -> task<> {
            int const now = ++running;
            for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
            }
            co_await coir::yield();
            ++hit;
            --running;
        };
        co_await coir::for_each(hits, f, max_concurrency{3});
    };
    CHECK(pool.run(root).is_success());
    CHECK(std::ranges::count(hits, 1) == 500);
    CHECK(most <= 3);
}

TEST_CASE("race of a range: the first to succeed, else the last failure, and nothing to run is refused [R2][R3][R18]") {
    auto const succeeds = []() -> task<int, failed> {
        std::vector<task<int, failed>> all;
        all.push_back(after(1, -1));
        all.push_back(after(3, 3));
        all.push_back(after(2, 2));
        co_return co_await coir::race(std::move(all));
    };
    auto const fails = []() -> task<int> {
        std::vector<task<int, failed>> all;
        all.push_back(after(2, -2));
        all.push_back(after(1, -1));
        auto const r = co_await coir::as_result(coir::race(std::move(all)));
        co_return r.error().code;
    };
    CHECK(test_scheduler{}.run(succeeds).value() == 2);
    CHECK(test_scheduler{}.run(fails).value() == -2);
    CHECK_THROWS_AS(coir::race(std::vector<task<int>>{}), std::invalid_argument);
    CHECK_THROWS_AS(coir::when_any(std::vector<task<int>>{}), std::invalid_argument);
}

TEST_CASE("when_any of a range: the first to end, others cleaned up, none started after it is decided [R4][R5]") {
    gauge g;
    auto const first = [&]() -> task<int> {
        std::vector<task<int, failed>> all;
        all.push_back(g.run(100));
        all.push_back(after(1, -7));
        auto const r = co_await coir::as_result(coir::when_any(std::move(all)));
        co_return r.error().code;
    };
    CHECK(test_scheduler{}.run(first).value() == -7);
    CHECK(g.started == 1);
    CHECK(g.ended == 1);
    auto const decided = [&]() -> task<int, failed> {
        auto const at_once = []() -> task<int, failed> { co_return 4; };
        std::vector<task<int, failed>> all;
        all.push_back(at_once());
        all.push_back(g.run(100));
        co_return co_await coir::when_any(std::move(all));
    };
    CHECK(test_scheduler{}.run(decided).value() == 4);
    CHECK(g.started == 1);
}

TEST_CASE("timeout_detached returns in time, and what it left goes on as a daemon [R12]") {
    test_scheduler scheduler;
    auto const before = scheduler.now();
    bool ended = false;
    auto const root = [&]() -> task<bool> {
        auto const slow = [&]() -> task<int> {
            co_await coir::uninterruptible(coir::sleep_for(5s));
            ended = true;
            co_return 1;
        };
        auto const none = co_await coir::timeout_detached(slow, 1s);
        bool const in_time = scheduler.now() - before == 1s && !ended;
        co_await coir::sleep_for(5s);
        co_return !none && in_time && ended;
    };
    CHECK(scheduler.run(root).value());
}

TEST_CASE("timeout_detached gives the value, or the failure, of what ends in time [R10]") {
    auto const root = []() -> task<bool, failed> {
        auto const moves = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
        auto const value = co_await coir::timeout_detached(moves, 1s);
        bool const in_time = co_await coir::timeout_detached(nothing(), 1s);
        auto const r = co_await coir::as_result(coir::timeout_detached(after(1, -4), 1s));
        co_return **value == 3 && in_time&& r.error().code == -4;
    };
    CHECK(test_scheduler{}.run(root).value());
}

TEST_CASE("whoever is interrupted in timeout_detached asks the daemon to end, and does not wait [R12]") {
    test_scheduler scheduler;
    bool asked = false;
    auto const root = [&]() -> task<bool> {
        auto const slow = [&]() -> task<> {
            auto const cleans_up = [&](coir::fiber_id) -> task<> {
                co_await coir::sleep_for(1s);
                asked = true;
            };
            co_await coir::on_interrupt(coir::sleep_for(1h), cleans_up);
        };
        auto const waits = [&]() -> task<> { co_await coir::timeout_detached(slow, 2h); };
        auto const waiting = coir::fork(waits);
        co_await coir::sleep_for(1s);
        auto const before = scheduler.now();
        co_await waiting.interrupt();
        bool const at_once = scheduler.now() == before && !asked;
        co_await coir::sleep_for(2s);
        co_return at_once&& asked;
    };
    CHECK(scheduler.run(root).value());
}

TEST_CASE("handles in a range that has a name stay, and share the values [R16]") {
    auto const root = []() -> task<> {
        std::vector<coir::fiber<std::string>> fibers;
        auto const says = [](std::string text) -> task<std::string> { co_return text; };
        fibers.push_back(coir::fork(says, "a"));
        fibers.push_back(coir::fork(says, "b"));
        auto const one_way = co_await coir::when_all(fibers);
        auto const back = co_await coir::when_all(fibers | std::views::reverse);
        auto const ends = co_await coir::all_settled(std::as_const(fibers));
        auto const first = co_await coir::race(fibers);
        CHECK(one_way == std::vector<std::string>{"a", "b"});
        CHECK(back == std::vector<std::string>{"b", "a"});
        CHECK(ends[1].value() == "b");
        CHECK(first == "a");
        CHECK(fibers[0].poll()->value() == "a");
        auto const moved = co_await coir::when_all(std::move(fibers));
        CHECK(moved == one_way);
    };
    CHECK(test_scheduler{}.run(root).is_success());
}

TEST_CASE("deferreds are awaited where they are, and tasks moved out of their range [R16]") {
    auto const root = []() -> task<> {
        std::deque<coir::deferred<int>> cells(2);
        cells[0].succeed(1);
        cells[1].succeed(2);
        auto const values = co_await coir::when_all(cells);
        CHECK(values == std::vector<int>{1, 2});
        auto const gives = [](int n) -> task<int> { co_return n; };
        std::vector<task<int>> tasks;
        tasks.push_back(gives(3));
        auto const three = co_await coir::when_all(tasks);
        CHECK(three == std::vector<int>{3});
        auto const again = co_await coir::as_outcome(coir::when_all(tasks));
        CHECK(again.is_defect());
        auto const made = std::views::iota(0, 3) | std::views::transform(gives);
        auto const numbers = co_await coir::when_all(made);
        CHECK(numbers == std::vector<int>{0, 1, 2});
        tasks.clear();
        tasks.push_back(gives(4));
        auto const four = co_await coir::when_all(coir::moved(tasks));
        CHECK(four == std::vector<int>{4});
    };
    CHECK(test_scheduler{}.run(root).is_success());
}
