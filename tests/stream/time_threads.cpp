// The operators of time on a pool: elements, deadlines, flushes and interruptions meet on several
// threads. The sanitizers look on.
#include "stream_support.hpp"

#include "support/effort.hpp"

#include <coir/runtime/thread_pool.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <thread>

using namespace stream_test;

namespace {

// 0, 1, 2... with pauses about as long as the times of the stages.
stream<int> uneven(int n, int seed) {
    for (int i = 0; i < n; ++i) {
        int const dice = (i * 7 + seed * 13) % 11;
        if (dice < 2) {
            co_await sleep_for(std::chrono::microseconds{dice * 40 + 20});
        } else if (dice < 5) {
            co_await coir::yield();
        }
        co_yield i;
    }
}

// Counts how often it is open.
stream<int> counted(int seed, std::atomic<int>& open) {
    struct guard {
        std::atomic<int>* n;
        explicit guard(std::atomic<int>& count) : n{&count} { ++*n; }
        ~guard() { --*n; }
    } const here{open};
    for (int i = 0;; ++i) {
        if ((i + seed) % 5 == 0) {
            co_await sleep_for(20us);
        }
        co_yield i;
    }
}

bool in_order(numbers const& all) { return std::is_sorted(all.begin(), all.end()); }

} // namespace

TEST_CASE("chunks and bursts have every element once and in order, on a pool [X25][X30]") {
    coir::thread_pool pool{2};
    unsigned const rounds = 60 * coir_test::stress_scale();
    for (unsigned round = 0; round < rounds; ++round) {
        auto collect = [round](bool chunks) -> task<numbers> {
            numbers all;
            auto append = [&](numbers const& part) { all.insert(all.end(), part.begin(), part.end()); };
            int const seed = static_cast<int>(round);
            if (chunks) {
                co_await (uneven(200, seed) | streams::chunk_within(5, 30us) | streams::for_each(append));
            } else {
                co_await (uneven(200, seed) | streams::debounce_collect(30us, 90us, 7) | streams::for_each(append));
            }
            co_return all;
        };
        auto const a = pool.spawn(collect, true);
        auto const b = pool.spawn(collect, false);
        auto wait = [&]() -> task<bool> {
            auto const& x = co_await a;
            auto const& y = co_await b;
            co_return x.size() == 200 && y.size() == 200 && in_order(x) && in_order(y);
        };
        REQUIRE(pool.run(wait).value());
    }
}

TEST_CASE("debounce and sample give the last element, and none twice, on a pool [X17][X28]") {
    coir::thread_pool pool{2};
    unsigned const rounds = 60 * coir_test::stress_scale();
    for (unsigned round = 0; round < rounds; ++round) {
        auto thin = [round](bool samples) -> task<numbers> {
            int const seed = static_cast<int>(round);
            if (samples) {
                co_return co_await (uneven(200, seed) | streams::sample(50us) | streams::to_vector());
            }
            auto const options = streams::debounce_options{.leading = round % 2 == 0, .max_wait = 200us};
            co_return co_await (uneven(200, seed) | streams::debounce(25us, options) | streams::to_vector());
        };
        auto const a = pool.spawn(thin, true);
        auto const b = pool.spawn(thin, false);
        auto wait = [&]() -> task<bool> {
            auto const& x = co_await a;
            auto const& y = co_await b;
            co_return !x.empty() && x.back() == 199 && !y.empty() && y.back() == 199 && in_order(x) && in_order(y) &&
                std::adjacent_find(x.begin(), x.end()) == x.end() && std::adjacent_find(y.begin(), y.end()) == y.end();
        };
        REQUIRE(pool.run(wait).value());
    }
}

TEST_CASE("flushes of plain threads lose nothing [X26]") {
    coir::thread_pool pool{2};
    unsigned const rounds = 40 * coir_test::stress_scale();
    for (unsigned round = 0; round < rounds; ++round) {
        streams::flush_handle flush;
        auto collect = [&]() -> task<numbers> {
            numbers all;
            auto append = [&](numbers const& part) { all.insert(all.end(), part.begin(), part.end()); };
            co_await (uneven(200, static_cast<int>(round)) | streams::debounce_collect(1h, 1h, 50, flush) |
                      streams::for_each(append));
            co_return all;
        };
        std::atomic<bool> over{false};
        auto const f = pool.spawn(collect);
        std::thread flushing{[&] {
            while (!over.load()) {
                flush.flush();
                std::this_thread::yield();
            }
        }};
        auto wait = [&]() -> task<bool> {
            auto const& all = co_await f;
            co_return all.size() == 200 && in_order(all);
        };
        bool const complete = pool.run(wait).value();
        over.store(true);
        flushing.join();
        REQUIRE(complete);
    }
}

TEST_CASE("stages of time that are interrupted at any moment, on a pool, have closed upstream [X21]") {
    coir::thread_pool pool{2};
    unsigned const rounds = 100 * coir_test::stress_scale();
    std::atomic<int> open{0};
    auto run = [&open](int kind) -> task<> {
        auto source = counted(kind, open);
        switch (kind) {
        case 0: co_await (std::move(source) | streams::debounce(20us) | streams::drain()); break;
        case 1: co_await (std::move(source) | streams::debounce_collect(20us, 60us, 9) | streams::drain()); break;
        case 2: co_await (std::move(source) | streams::sample(30us) | streams::drain()); break;
        case 3: co_await (std::move(source) | streams::chunk_within(9, 30us) | streams::drain()); break;
        case 4: co_await (std::move(source) | streams::throttle(5us) | streams::drain()); break;
        default:
            co_await (std::move(source) | streams::timeout(1h) | streams::interrupt_after(150us) | streams::drain());
        }
    };
    for (unsigned round = 0; round < rounds; ++round) {
        std::vector<coir::fiber<>> running;
        for (int kind = 0; kind < 6; ++kind) {
            running.push_back(pool.spawn(run, kind));
        }
        auto leave = [&]() -> task<bool> {
            bool all_ended = true;
            co_await sleep_for(std::chrono::microseconds{100 + round % 50 * 10});
            for (auto const& f : running) {
                auto const& end = co_await f.interrupt();
                all_ended = all_ended && (end.is_interrupted() || end.is_success());
            }
            co_return all_ended;
        };
        REQUIRE(pool.run(leave).value());
        REQUIRE(open == 0);
    }
}
