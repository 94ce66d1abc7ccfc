// blocking_range: a stream read by a plain thread.
#include "stream_support.hpp"

#include "support/effort.hpp"

#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <thread>

using namespace stream_test;
using coir::blocking_range;

static_assert(std::ranges::input_range<blocking_range<int>>);
static_assert(std::ranges::input_range<blocking_range<std::unique_ptr<int>, err>>);
static_assert(std::ranges::view<blocking_range<int>>);
static_assert(!std::ranges::forward_range<blocking_range<int>>);
static_assert(!std::copyable<blocking_range<int>>);
static_assert(std::same_as<std::ranges::range_reference_t<blocking_range<std::string>>, std::string&>);

namespace {

// Counts streams that are open, on whatever thread.
stream<int, err> guarded(std::atomic<int>& open, int n, int fail_at = -1, int throw_at = -1) {
    ++open;
    auto const close = [](std::atomic<int>* o) { --*o; };
    std::unique_ptr<std::atomic<int>, decltype(close)> const here{&open, close};
    for (int i = 0; i < n; ++i) {
        if (i == fail_at) {
            co_await coir::fail<err>(i);
        }
        if (i == throw_at) {
            throw std::runtime_error{"source"};
        }
        co_await coir::yield();
        co_yield i;
    }
}

} // namespace

TEST_CASE("a plain thread reads a stream in a range-for, and it is closed at the end") {
    coir::thread_pool pool{2};
    std::atomic<int> open{0};
    numbers got;
    for (int& n : blocking_range(pool, guarded(open, 100) | streams::transform([](int i) { return 2 * i; }))) {
        CHECK(open == 1);
        got.push_back(n);
    }
    CHECK(open == 0);
    REQUIRE(got.size() == 100);
    CHECK(got.back() == 198);
}

TEST_CASE("a blocking_range is a view among views, and what cannot be copied is moved out") {
    coir::thread_pool pool{2};
    std::atomic<int> open{0};
    auto boxed = [](int n) { return std::make_unique<int>(n); };
    int sum = 0;
    {
        auto odd = blocking_range(pool, guarded(open, 1'000) | streams::transform(boxed)) |
                   std::views::filter([](std::unique_ptr<int> const& p) { return *p % 2 == 1; }) | std::views::take(3);
        for (auto&& p : odd) {
            std::unique_ptr<int> const mine = std::move(p);
            sum += *mine;
        }
        CHECK(open == 1);
    }
    CHECK(open == 0);
    CHECK(sum == 9);
}

TEST_CASE("nothing is pulled ahead, nor before begin, and begin again stays where it is") {
    coir::thread_pool pool{1};
    std::atomic<int> pulled{0};
    blocking_range all{pool, counting(10) | streams::tap([&](int) { ++pulled; })};
    std::this_thread::sleep_for(1ms);
    CHECK(pulled == 0);
    auto it = all.begin();
    CHECK(*it == 0);
    CHECK(*all.begin() == 0);
    CHECK(pulled == 1);
    ++it;
    it++;
    CHECK(*it == 2);
    CHECK(*all.begin() == 2);
    CHECK(pulled == 3);
}

TEST_CASE("whoever stops early closes the stream, and it is closed when the range is gone [S15]") {
    coir::thread_pool pool{2};
    std::atomic<int> open{0};
    for (int const n : blocking_range(pool, guarded(open, 1'000))) {
        if (n == 7) {
            break;
        }
    }
    CHECK(open == 0);
    bool finalized = false;
    auto close = [&finalized]() -> task<> {
        co_await sleep_for(1ms);
        finalized = true;
    };
    {
        blocking_range never_read{pool, counting(3) | streams::ensuring(close)};
    }
    CHECK_FALSE(finalized); // never pulled
    std::optional reading{blocking_range(pool, counting(3) | streams::ensuring(close))};
    CHECK(*reading->begin() == 0);
    reading.emplace(blocking_range(pool, counting(3))); // assigned or replaced: the same
    CHECK(finalized);
}

TEST_CASE("a failure is thrown with its type when the stream is closed, once, after the elements before it") {
    coir::thread_pool pool{2};
    std::atomic<int> open{0};
    blocking_range all{pool, guarded(open, 10, 3)};
    int n = 0;
    try {
        for (int const i : all) {
            CHECK(i == n++);
        }
        FAIL("it did not throw");
    } catch (coir::stream_failed<err> const& e) {
        CHECK(e.error() == err{3});
        CHECK(open == 0);
    }
    CHECK(n == 3);
    CHECK(all.begin() == all.end());
}

TEST_CASE("a defect is thrown as it is, and an interruption as bad_outcome") {
    coir::thread_pool pool{2};
    std::atomic<int> open{0};
    blocking_range broken{pool, guarded(open, 10, -1, 0)};
    try {
        static_cast<void>(broken.begin());
        FAIL("it did not throw");
    } catch (std::runtime_error const& e) {
        CHECK(e.what() == std::string{"source"});
    }
    CHECK(open == 0);
    CHECK(broken.begin() == broken.end());
    auto interrupted = []() -> stream<int> {
        deferred<> d;
        d.interrupt();
        co_await d;
        co_yield 1;
    };
    blocking_range ends{pool, interrupted()};
    CHECK_THROWS_AS(ends.begin(), coir::bad_outcome);
    CHECK(ends.begin() == ends.end());
}

TEST_CASE("a scheduler that shuts down ends the range as interrupted, before, while and after it is read") {
    std::atomic<int> open{0};
    std::optional<coir::thread_pool> pool{std::in_place, 2U};
    blocking_range waiting{*pool, streams::from(one_to(1)) | streams::tap([](int) { return sleep_for(1h); })};
    blocking_range half_read{*pool, guarded(open, 10)};
    CHECK(*half_read.begin() == 0);
    std::thread closer{[&] {
        std::this_thread::sleep_for(2ms);
        pool->shutdown();
    }};
    CHECK_THROWS_AS(waiting.begin(), coir::bad_outcome);
    closer.join();
    CHECK(open == 0);
    CHECK(*half_read.begin() == 0);
    auto it = half_read.begin();
    CHECK_THROWS_AS(++it, coir::bad_outcome);
    CHECK(it == half_read.end());
    blocking_range late{*pool, guarded(open, 10)};
    pool.reset(); // a range may outlive it
    CHECK_THROWS_AS(late.begin(), coir::bad_outcome);
    CHECK(open == 0);
}

TEST_CASE("on a thread that runs fibers a blocking_range is refused, and an open one cannot be advanced") {
    coir::thread_pool pool{2};
    blocking_range outside{pool, counting(3)};
    auto const end = pool.run([&]() -> task<> {
        CHECK_THROWS_AS(blocking_range(pool, counting(3)), coir::would_deadlock);
        CHECK_THROWS_AS(outside.begin(), coir::would_deadlock);
        co_return;
    });
    CHECK(end.is_success());
}

TEST_CASE("a run_loop on another thread does as well") {
    coir::run_loop loop;
    deferred<> stop;
    std::thread other{[&] { loop.run([&]() -> task<> { co_await stop; }); }};
    int sum = 0;
    for (int const n : blocking_range(loop, ticking(1ms, 4))) {
        sum += n;
    }
    CHECK(sum == 10);
    stop.succeed();
    other.join();
}

TEST_CASE("a finalizer that throws ends a range that is read to its end, and of one that was left it is unhandled") {
    coir::thread_pool pool{1};
    auto close = throwing_finalizer("closing");
    {
        blocking_range left{pool, counting(3) | streams::ensuring(close)};
        CHECK(*left.begin() == 0);
    } // a line on stderr
    blocking_range read{pool, streams::from(one_to(1)) | streams::ensuring(close)};
    auto it = read.begin();
    try {
        ++it;
        FAIL("it did not throw");
    } catch (std::runtime_error const& e) {
        CHECK(e.what() == std::string{"closing"});
    }
}

TEST_CASE("many ranges on many threads, left at any time, close what they opened [S15][S16]") {
    coir::thread_pool pool{2};
    std::atomic<int> open{0};
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int id = 0; id < 3; ++id) {
        threads.emplace_back([&, id] {
            for (unsigned round = 0; round < 50 * coir_test::stress_scale(); ++round) {
                int const stop_at = static_cast<int>(round * 7 + static_cast<unsigned>(id)) % 20;
                int expected = 0;
                for (int const n : blocking_range(pool, guarded(open, 15))) {
                    wrong += n != expected++;
                    if (n == stop_at) {
                        break;
                    }
                }
                wrong += expected != std::min(stop_at + 1, 15);
            }
        });
    }
    for (auto& t : threads) {
        t.join();
    }
    CHECK(wrong == 0);
    CHECK(open == 0);
}
