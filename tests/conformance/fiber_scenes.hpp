// What the fibers of the conformance scenarios do, and the traces they leave.
#pragma once

#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/time.hpp>

#include "conformance/every_scheduler.hpp"

#include <atomic>
#include <stdexcept>

namespace coir_test::fiber_scenes {

using coir::deferred;
using coir::fiber;
using coir::fork;
using coir::task;
using coir_test::on_every_scheduler;
using coir_test::place;
using coir_test::until_waiting;

struct failed {
    int code;
    friend bool operator==(failed const&, failed const&) = default;
};

/// How many fibers came to a place; counted by all, and checked by the scenario's own fiber.
struct traces {
    std::atomic<int> begun{0};
    std::atomic<int> waiting{0};
    std::atomic<int> cleaned{0};
};

inline task<> never_ends() {
    deferred<> never;
    co_await never;
}

inline task<int, failed> fails(int code) {
    co_await coir::yield();
    co_await coir::fail(failed{code});
    co_return 0;
}

inline task<int> dies() {
    co_await coir::yield();
    throw std::runtime_error("died");
}

inline task<> adds(std::atomic<int>& to) {
    ++to;
    co_return;
}

/// Suspends before it counts, so that nobody who did not wait for it can have seen it.
inline task<> cleans(traces& t) {
    for (int i = 0; i < 3; ++i) {
        co_await coir::yield();
    }
    ++t.cleaned;
}

/// Waits for ever, and then takes a while to clean up.
inline task<> cleans_up(traces& t) {
    ++t.begun;
    co_await coir::ensuring(never_ends(), [&t] { return cleans(t); });
}

/// Lets others run until `n` have come.
inline task<> until(std::atomic<int> const& count, int n) {
    while (count < n) {
        co_await coir::yield();
    }
}

inline task<> ends_when(std::atomic<int> const& count, int n) { co_await until(count, n); }

} // namespace coir_test::fiber_scenes
