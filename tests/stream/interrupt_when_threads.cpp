// Signals from other threads, against streams on a pool: they meet in the middle of a pull, between
// two, at the end. The sanitizers look on.
#include "stream_support.hpp"

#include "support/effort.hpp"

#include <coir/runtime/thread_pool.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace stream_test;

namespace {

// Elements of a generator that yields, sleeps a little and is left with its finalizer.
stream<int> busy(int i, std::atomic<int>& open) {
    struct guard {
        std::atomic<int>* n;
        explicit guard(std::atomic<int>& count) : n{&count} { ++*n; }
        ~guard() { --*n; }
    } const here{open};
    for (int n = 0;; ++n) {
        if ((n + i) % 7 == 0) {
            co_await sleep_for(20us);
        } else if ((n + i) % 3 == 0) {
            co_await coir::yield();
        }
        co_yield n;
    }
}

struct tally {
    std::atomic<int> open{0};
    std::atomic<int> closed{0};
    std::atomic<int> out_of_order{0};
};

task<> consume(deferred<>* stop, int i, tally* t) {
    int expected = 0;
    auto in_order = [&](int n) { t->out_of_order += n != expected++ ? 1 : 0; };
    auto close = [t]() -> task<> {
        co_await coir::yield();
        ++t->closed;
    };
    if (i % 2 == 0) {
        co_await (busy(i, t->open) | streams::ensuring(close) | streams::interrupt_when(*stop) |
                  streams::for_each(in_order));
    } else {
        auto work = [](int n) -> task<int> {
            co_await coir::yield();
            co_return n;
        };
        co_await (busy(i, t->open) | streams::ensuring(close) | streams::transform(work) |
                  streams::interrupt_when(*stop) | streams::interrupt_when(*stop) | streams::for_each(in_order));
    }
}

} // namespace

TEST_CASE("a signal from a plain thread stops all streams of a pool [X1][X6][X9]") {
    coir::thread_pool pool{2};
    tally t;
    unsigned const rounds = 100 * coir_test::stress_scale();
    constexpr int streams_each = 8;
    for (unsigned round = 0; round < rounds; ++round) {
        deferred<> stop;
        std::vector<coir::fiber<>> running;
        for (int i = 0; i < streams_each; ++i) {
            running.push_back(pool.spawn(consume, &stop, i, &t));
        }
        std::thread fire{[&] {
            std::this_thread::sleep_for(std::chrono::microseconds{round % 50 * 10});
            stop.succeed();
        }};
        auto wait = [&]() -> task<int> {
            int ended = 0;
            for (auto& f : running) {
                auto const& end = co_await f.await();
                ended += end.is_success() ? 1 : 0;
            }
            co_return ended;
        };
        auto const ended = pool.run(wait);
        fire.join();
        REQUIRE(ended.value() == streams_each);
        REQUIRE(stop.waiter_count() == 0);
    }
    CHECK(t.open == 0);
    CHECK(t.out_of_order == 0);
}

TEST_CASE("a signal and an interruption from two threads: the stream is left once [X1][I1]") {
    coir::thread_pool pool{2};
    tally t;
    unsigned const rounds = 200 * coir_test::stress_scale();
    for (unsigned round = 0; round < rounds; ++round) {
        deferred<> stop;
        auto f = pool.spawn(consume, &stop, static_cast<int>(round), &t);
        std::thread fire{[&] { stop.succeed(); }};
        std::thread interrupt{[&] { f.request_interrupt(); }};
        auto wait = [&]() -> task<bool> {
            auto const& end = co_await f.await();
            co_return end.is_success() || end.is_interrupted();
        };
        auto const ended = pool.run(wait);
        fire.join();
        interrupt.join();
        REQUIRE(ended.value());
        REQUIRE(stop.waiter_count() == 0);
    }
    CHECK(t.open == 0);
    CHECK(t.out_of_order == 0);
}

TEST_CASE("elements of a queue and a signal race: every element is given or still there, once [X1][S14]") {
    coir::thread_pool pool{2};
    unsigned const rounds = 300 * coir_test::stress_scale();
    for (unsigned round = 0; round < rounds; ++round) {
        deferred<> stop;
        coir::queue<int> q{coir::unbounded()};
        constexpr int pushed = 20;
        numbers seen;
        auto run = [&]() -> task<> {
            co_await (streams::from_queue(q) | streams::interrupt_when(stop) |
                      streams::for_each([&seen](int n) { seen.push_back(n); }));
        };
        auto const f = pool.spawn(run);
        std::thread push{[&] {
            for (int i = 0; i < pushed; ++i) {
                static_cast<void>(q.try_push(i));
            }
        }};
        std::thread fire{[&] { stop.succeed(); }};
        push.join();
        fire.join();
        auto wait = [&]() -> task<> { co_await f; };
        REQUIRE(pool.run(wait).is_success());
        while (auto left = q.try_pop()) {
            seen.push_back(*left);
        }
        REQUIRE(seen.size() == pushed);
        for (int i = 0; i < pushed; ++i) {
            REQUIRE(seen[static_cast<std::size_t>(i)] == i);
        }
    }
}

TEST_CASE("flush from a plain thread: every element arrives once, in order [X26]") {
    coir::thread_pool pool{2};
    streams::flush_handle flush;
    std::atomic<bool> done{false};
    std::thread flushing{[&] {
        while (!done) {
            flush.flush();
            std::this_thread::yield();
        }
    }};
    numbers all;
    auto source = []() -> stream<int> {
        for (int i = 0; i < 500; ++i) {
            if (i % 5 == 0) {
                co_await sleep_for(50us);
            }
            co_yield i;
        }
    };
    auto run = [&]() -> task<> {
        auto append = [&](numbers const& batch) { all.insert(all.end(), batch.begin(), batch.end()); };
        co_await (source() | streams::debounce_collect(1ms, 5ms, 50, flush) | streams::for_each(append));
    };
    auto const end = pool.run(run);
    done = true;
    flushing.join();
    CHECK(end.is_success());
    REQUIRE(all.size() == 500);
    for (int i = 0; i < 500; ++i) {
        REQUIRE(all[static_cast<std::size_t>(i)] == i);
    }
}

TEST_CASE("a signal that is destroyed unfinished on another thread in the middle of a pull [D32]") {
    coir::thread_pool pool{1};
    unsigned const rounds = 200 * coir_test::stress_scale();
    for (unsigned round = 0; round < rounds; ++round) {
        std::optional<deferred<>> stop{std::in_place};
        std::atomic<int> waits{0};
        auto run = [&]() -> task<> {
            auto source = [](std::atomic<int>& w) -> stream<int> {
                ++w;
                co_await sleep_for(24h);
                co_yield 1;
            };
            co_await (source(waits) | streams::interrupt_when(*stop) | streams::drain());
        };
        auto const f = pool.spawn(run);
        while (waits == 0) {
            std::this_thread::yield();
        }
        // The signal is listened to once the source waits, which it does before the worker turns to this.
        static_cast<void>(pool.run([]() -> task<> { co_return; }));
        bool const interrupts_too = round % 2 == 0;
        std::thread interrupt{[&] {
            if (interrupts_too) {
                f.request_interrupt();
            }
        }};
        stop.reset();
        auto wait = [&]() -> task<bool> {
            auto const& end = co_await f.await();
            co_return end.is_interrupted();
        };
        REQUIRE(pool.run(wait).value());
        interrupt.join();
    }
}
