#include <coir/runtime/blocking_threads.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

using coir::blocking_threads;
using namespace std::chrono_literals;

namespace {

struct job final : coir::detail::runnable {
    explicit job(std::function<void()> f) : runnable{&run_it}, body{std::move(f)} {}
    static void run_it(runnable& r) noexcept {
        auto& me = static_cast<job&>(r);
        ++me.runs;
        me.body();
    }
    std::function<void()> body;
    int runs = 0; // plain: a second run beside the first would be a race
};

// Lives until its last job has gone: a static made before the shared threads.
struct submits_at_exit {
    job last{[] {}};
    ~submits_at_exit() { blocking_threads::shared().submit(last); }
};
submits_at_exit outlives_the_shared_threads;

} // namespace

TEST_CASE("every job runs exactly once, on another thread, also those still queued at the end") {
    std::deque<job> jobs;
    std::atomic<int> here{0};
    auto const test_thread = std::this_thread::get_id();
    for (int i = 0; i < 600; ++i) {
        jobs.emplace_back([&] { here += std::this_thread::get_id() == test_thread ? 1 : 0; });
    }
    {
        blocking_threads threads{{3, 5000ms}};
        std::vector<std::thread> from;
        for (std::size_t p = 0; p < 3; ++p) {
            from.emplace_back([&, p] {
                for (std::size_t i = 0; i < 200; ++i) {
                    threads.submit(jobs[p * 200 + i]);
                }
            });
        }
        for (std::thread& t : from) {
            t.join();
        }
        CHECK(threads.thread_count() <= 3);
    }
    std::size_t once = 0;
    for (job const& j : jobs) {
        once += j.runs == 1 ? 1U : 0U;
    }
    CHECK(once == jobs.size());
    CHECK(here == 0);
}

TEST_CASE("jobs that wait for each other all get a thread, up to the bound") {
    std::atomic<int> inside{0};
    std::deque<job> jobs;
    blocking_threads threads{{8, 5000ms}}; // ends first: it runs the jobs
    for (int i = 0; i < 8; ++i) {
        jobs.emplace_back([&] {
            ++inside;
            while (inside < 8) {
                std::this_thread::yield();
            }
        });
    }
    for (job& j : jobs) {
        threads.submit(j);
    }
    while (inside < 8) {
        std::this_thread::yield();
    }
    CHECK(threads.thread_count() == 8);
}

TEST_CASE("at the bound, jobs wait for their turn in order") {
    std::vector<int> order; // plain: one thread runs them all
    std::deque<job> jobs;
    for (int i = 0; i < 50; ++i) {
        jobs.emplace_back([&order, i] { order.push_back(i); });
    }
    {
        blocking_threads threads{{1, 5000ms}};
        for (job& j : jobs) {
            threads.submit(j);
        }
    }
    REQUIRE(order.size() == 50);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("idle threads end, and a later job starts a new one") {
    blocking_threads threads{{4, 1ms}};
    for (int round = 0; round < 5; ++round) {
        std::atomic<bool> ran{false};
        job j{[&] { ran = true; }};
        threads.submit(j);
        while (!ran || threads.thread_count() != 0) {
            std::this_thread::yield();
        }
        CHECK(j.runs == 1);
    }
}

TEST_CASE("an idle thread is used again rather than a second one started") {
    blocking_threads threads{{4, 1h}};
    for (int round = 0; round < 20; ++round) {
        std::atomic<bool> ran{false};
        job j{[&] { ran = true; }};
        threads.submit(j);
        while (!ran) {
            std::this_thread::yield();
        }
    }
    CHECK(threads.thread_count() <= 4);
    CHECK(threads.thread_count() >= 1);
}

TEST_CASE("the shared threads serve, and are joined at exit") {
    std::atomic<bool> ran{false};
    job j{[&] { ran = true; }};
    blocking_threads::shared().submit(j);
    while (!ran) {
        std::this_thread::yield();
    }
    CHECK(&blocking_threads::shared() == &blocking_threads::shared());
}
