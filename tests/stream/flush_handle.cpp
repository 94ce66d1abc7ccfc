// One flush_handle, several stages.
#include "stream_support.hpp"

#include "support/effort.hpp"

#include <coir/combine.hpp>
#include <coir/runtime/thread_pool.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace stream_test;
using streams::debounce_collect;
using streams::flush_handle;

namespace {

// One element, and then quiet for `d`.
stream<int> one(int n, std::chrono::milliseconds d) {
    co_yield n;
    co_await sleep_for(d);
}

// The batches of `source`, each with the name and the time in ms.
task<> write_down(stream<int> source, flush_handle flush, std::string name, entries& log) {
    auto const begun = coir::now();
    auto write = [&](numbers const& batch) {
        auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(coir::now() - begun).count();
        log.push_back(name + std::to_string(batch.size()) + " at " + std::to_string(ms));
    };
    co_await (std::move(source) | debounce_collect(1h, 1h, 100, flush) | streams::for_each(write));
}

task<> flush_at(flush_handle flush, std::chrono::milliseconds d) {
    co_await sleep_for(d);
    flush.flush();
}

} // namespace

TEST_CASE("a flush reaches all stages that have the handle [X26]") {
    test_scheduler s;
    flush_handle flush;
    entries log;
    s.run([&]() -> task<> {
        co_await coir::when_all(write_down(one(1, 50ms), flush, "a", log), write_down(one(2, 60ms), flush, "b", log),
                                flush_at(flush, 10ms));
    });
    std::sort(log.begin(), log.end());
    CHECK(log == entries{"a1 at 10", "b1 at 10"});
}

TEST_CASE("the end of one stage does not cut off the others, whichever came first [X26]") {
    for (bool const first_ends : {true, false}) {
        test_scheduler s;
        flush_handle flush;
        entries log;
        s.run([&]() -> task<> {
            auto const two = [](stream<int> x) { return streams::concat(std::move(x), one(2, 30ms)); };
            auto a = first_ends ? one(1, 10ms) : stream<int>{two(one(1, 20ms))};
            auto b = first_ends ? stream<int>{two(one(1, 20ms))} : one(1, 10ms);
            co_await coir::when_all(write_down(std::move(a), flush, "a", log),
                                    write_down(std::move(b), flush, "b", log), flush_at(flush, 15ms),
                                    flush_at(flush, 25ms));
        });
        // The one gives what it has when it ends, the other at each flush.
        std::string const ended = first_ends ? "a" : "b";
        std::string const other = first_ends ? "b" : "a";
        CHECK(log == entries{ended + "1 at 10", other + "1 at 15", other + "1 at 25"});
    }
}

TEST_CASE("an operator with a flush_handle that is used again is flushed with the first [X26]") {
    test_scheduler s;
    flush_handle flush;
    auto const gather = debounce_collect(1h, 1h, 100, flush);
    std::size_t batches = 0;
    s.run([&]() -> task<> {
        auto const count = [&](auto source) -> task<> {
            batches += co_await (std::move(source) | streams::take(1) | streams::count());
        };
        co_await coir::when_all(count(one(1, 24h) | gather), count(one(1, 24h) | gather), flush_at(flush, 5ms));
    });
    CHECK(batches == 2);
    CHECK(s.elapsed() == 5ms);
}

TEST_CASE("stages that come and go while others flush, on a pool [X26]") {
    coir::thread_pool pool{2};
    flush_handle flush;
    std::atomic<bool> over{false};
    std::thread flushing{[&] {
        while (!over) {
            flush.flush();
            std::this_thread::yield();
        }
    }};
    std::atomic<int> elements{0};
    int const rounds = static_cast<int>(60 * coir_test::stress_scale());
    auto const stage = [&]() -> task<> {
        auto const add = [&](numbers const& batch) { elements += static_cast<int>(batch.size()); };
        for (int i = 0; i < rounds; ++i) {
            co_await (counting(5) | debounce_collect(50us, 1ms, 3, flush) | streams::for_each(add));
        }
    };
    pool.run([&]() -> task<> { co_await coir::when_all(stage(), stage(), stage()); });
    over = true;
    flushing.join();
    CHECK(elements == rounds * 15);
}
