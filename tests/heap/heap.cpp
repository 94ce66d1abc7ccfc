// What allocates: coroutine frames and the control blocks of fibers, and nothing else. Counted
// from the first operation in a fresh process on, with all caches off.
#include "count_allocations.hpp"

#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber_local.hpp>
#include <coir/fiber_map.hpp>
#include <coir/fiber_slot.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/sync_wait.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/sync/queue.hpp>
#include <coir/time.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <iostream>
#include <new>
#include <optional>

using namespace std::chrono_literals;
using coir::deferred;
using coir::task;

namespace {

// Allocations and frames between two moments.
struct usage {
    long allocations;
    long frames;
    long leaked;
    long beyond_frames() const { return allocations - frames; }
};

class meter {
public:
    usage read() const {
        auto const now = allocations_so_far();
        return {now.made - before_.made, frames() - frames_, now.live() - before_.live()};
    }

private:
    static long frames() { return coir::detail::made_count(coir::detail::live::frames).load(); }

    long frames_ = frames();
    allocations before_ = allocations_so_far();
};

void report(char const* what, usage u) {
    std::cout << what << ": " << u.frames << " frames and control blocks, " << u.beyond_frames() << " more\n";
}

// A run of the work from the first operation to the last.
template <class Work>
usage run(char const* what, Work const& work) {
    meter const m;
    coir::sync_wait(work);
    usage const u = m.read();
    report(what, u);
    return u;
}

// A task that is run by sync_wait: its frame, and the control block of its fiber.
constexpr long root = 2;

task<> wait_for(deferred<int>& d) { static_cast<void>(co_await d); }

} // namespace

TEST_CASE("allocations and frames are counted") {
    meter const m;
    ::operator delete(::operator new(1)); // a new expression might be left out
    usage const u = m.read();
    CHECK(u.allocations == 1);
    CHECK(u.leaked == 0);
    auto const nothing = []() -> task<> { co_return; };
    usage const task_alone = run("a task", nothing);
    CHECK(task_alone.frames == root);
    CHECK(task_alone.beyond_frames() == 0);
}

TEST_CASE("a deferred allocates nothing when it is made, completed and awaited") {
    auto const all = []() -> task<> {
        deferred<int> d;
        d.succeed(1);
        static_cast<void>(co_await d);
        static_cast<void>(co_await d.take());
    };
    usage const u = run("deferred", all);
    CHECK(u.frames == root);
    CHECK(u.beyond_frames() == 0);
    CHECK(u.leaked == 0);
}

TEST_CASE("waiters are woken without an allocation") {
    auto const all = []() -> task<> {
        deferred<int> d;
        std::array<coir::fiber<>, 8> waiters;
        for (auto& w : waiters) {
            w = coir::fork(wait_for, std::ref(d));
        }
        co_await coir::yield();
        d.succeed(1);
        for (auto& w : waiters) {
            co_await w;
        }
    };
    usage const u = run("eight waiters", all);
    CHECK(u.frames == root + 8 * 2);
    CHECK(u.beyond_frames() == 0);
    CHECK(u.leaked == 0);
}

TEST_CASE("waiters are removed without an allocation") {
    auto const all = []() -> task<> {
        deferred<int> d;
        std::array<coir::fiber<>, 8> waiters;
        for (auto& w : waiters) {
            w = coir::fork(wait_for, std::ref(d));
        }
        co_await coir::yield();
        for (auto& w : waiters) {
            co_await w.interrupt();
        }
    };
    usage const u = run("eight waiters removed", all);
    CHECK(u.frames == root + 8 * 2);
    CHECK(u.beyond_frames() == 0);
    CHECK(u.leaked == 0);
}

TEST_CASE("sleeping and timeouts allocate nothing") {
    auto const all = []() -> task<> {
        deferred<int> d;
        co_await coir::sleep_for(1ms);
        co_await coir::timeout(d, 1ms);
        co_await coir::timeout(coir::sleep_for(1us), 1h);
        co_await coir::as_result(coir::timeout_fail(d, 1ms, 5));
    };
    usage const u = run("timers", all);
    CHECK(u.frames == root);
    CHECK(u.beyond_frames() == 0);
    CHECK(u.leaked == 0);
}

TEST_CASE("interrupt_when allocates nothing") {
    auto const all = []() -> task<> {
        deferred<> stop;
        co_await coir::interrupt_when(coir::sleep_for(1us), stop);
        auto const stopper = [&]() -> task<> {
            stop.succeed();
            co_return;
        };
        auto const f = coir::fork(stopper);
        co_await coir::interrupt_when(coir::sleep_for(1h), stop);
        co_await coir::interrupt_when(coir::sleep_for(1h), stop);
        co_await f;
    };
    usage const u = run("interrupt_when", all);
    CHECK(u.frames == root + 2);
    CHECK(u.beyond_frames() == 0);
    CHECK(u.leaked == 0);
}

TEST_CASE("leaf waits of combinators are not forked: they allocate nothing and have no frame") {
    deferred<int> never;
    deferred<int> there;
    there.succeed(1);
    coir::queue<int> empty{coir::bounded(1)};
    auto const work = [&]() -> task<> {
        static_cast<void>(co_await coir::race(never, there));
        static_cast<void>(co_await coir::when_any(never, coir::sleep_for(1ms), empty.pop()));
        auto const [first, second, slept] =
            co_await coir::when_all(there, coir::as_outcome(there), coir::sleep_for(1ms));
        static_cast<void>(slept);
        static_cast<void>(co_await coir::all_settled(there, coir::sleep_for(1ms)));
        CHECK(first == 1);
        CHECK(second.value() == 1);
    };
    usage const u = run("leaf waits side by side", work);
    CHECK(u.frames == root);
    CHECK(u.beyond_frames() == 0);
    CHECK(u.leaked == 0);
    CHECK(never.waiter_count() == 0);
}

TEST_CASE("a group allocates itself and its fibers, and a binding its value and the array of values") {
    deferred<int> never;
    auto const in_groups = [&](coir::scope<>& s) -> task<> {
        coir::fiber_slot<> slot{s};
        coir::fiber_map<int> map{s};
        for (int i = 0; i < 4; ++i) {
            slot.run(wait_for, std::ref(never));
            map.run(i, wait_for, std::ref(never));
        }
        co_await coir::yield();
        co_await map.remove(1);
        co_await coir::timeout(slot.join(), 1ms);
        co_await map.clear();
        co_await slot.close();
        co_await map.await_empty();
    };
    auto const groups = [&]() -> task<> { co_await coir::with_scope(in_groups); };
    usage const u = run("a slot and a map", groups);
    CHECK(u.frames == root + 1 + 5 * 2 + 3); // the body; those that started; those that were replaced before they did
    CHECK(u.beyond_frames() == 2);
    CHECK(u.leaked == 0);

    coir::fiber_local<int> const number{1};
    auto const bound = [&]() -> task<> { co_await number.with(2, coir::yield()); };
    usage const b = run("a binding", bound);
    CHECK(b.frames == root + 1);
    CHECK(b.beyond_frames() == 1);
    CHECK(b.leaked == 0);
}

TEST_CASE("a plain thread waits without an allocation") {
    meter const m;
    deferred<int> d;
    bool const in_time = d.wait_for(1ms);
    d.succeed(1);
    d.wait();
    usage const u = m.read();
    CHECK_FALSE(in_time);
    CHECK(u.allocations == 0);
}

TEST_CASE("a failure through frames allocates only the frames") {
    auto const fails = [](auto const& self, int depth) -> task<int, int> {
        if (depth == 0) {
            co_await coir::fail(1);
        }
        co_return co_await self(self, depth - 1);
    };
    auto const all = [&]() -> task<> { co_await coir::as_result(fails(fails, 11)); };
    usage const u = run("a failure through twelve frames", all);
    CHECK(u.frames == root + 12);
    CHECK(u.beyond_frames() == 0);
    CHECK(u.leaked == 0);
}

TEST_CASE("fibers on a pool wait for each other without an allocation") {
    coir::thread_pool pool{2};
    auto const all = []() -> task<> {
        deferred<int> d;
        std::array<coir::fiber<>, 8> waiters;
        for (auto& w : waiters) {
            w = coir::fork(wait_for, std::ref(d));
        }
        co_await coir::timeout(d, 1ms);
        d.succeed(1);
        for (auto& w : waiters) {
            co_await w;
        }
    };
    meter const m;
    pool.run(all);
    usage const u = m.read();
    report("eight waiters on a pool", u);
    CHECK(u.frames == root + 8 * 2);
    CHECK(u.beyond_frames() == 0);
}

TEST_CASE("a million cancelled awaits leave nothing with the deferred [D22]") {
    constexpr int million = 1'000'000;
    std::size_t waiting = 0;
    auto const all = [&]() -> task<usage> {
        deferred<int> d;
        auto const ready = []() -> task<int> { co_return 1; };
        meter const m;
        long most = 0;
        for (int i = 0; i < million; ++i) {
            if (i % 100 == 0) {
                co_await coir::race(d.coir_operation(), ready());
            } else {
                co_await coir::timeout(d, 0s);
            }
            most = (std::max)(most, m.read().leaked);
        }
        waiting = d.waiter_count();
        usage u = m.read();
        u.leaked = most;
        co_return u;
    };
    usage const u = coir::sync_wait(all).value();
    report("a million awaits given up", u);
    CHECK(u.beyond_frames() == 0);
    CHECK(u.leaked == 0);
    CHECK(waiting == 0);
}
