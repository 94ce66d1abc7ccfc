// Slots, maps and sets used from many fibers and threads at once: a slot of which nobody ever sees
// two entries, work that runs in turn, and nothing that is left over or lost.
#include <coir/adapt.hpp>
#include <coir/fiber_local.hpp>
#include <coir/fiber_map.hpp>
#include <coir/fiber_set.hpp>
#include <coir/fiber_slot.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using coir::fiber;
using coir::fiber_local;
using coir::fiber_map;
using coir::fiber_set;
using coir::fiber_slot;
using coir::scope;
using coir::task;

namespace {

struct failed {
    int code;
};

using dice = std::minstd_rand;

unsigned roll(dice& d, unsigned sides) { return static_cast<unsigned>((d() >> 8U) % sides); }

struct tally {
    std::atomic<long> started{0};
    std::atomic<long> ended{0};
    std::atomic<long> wrong{0};
};

fiber_local<unsigned> const origin{0};

class running {
public:
    explicit running(tally& t) : tally_{t} { ++tally_.started; }
    running(running const&) = delete;
    running& operator=(running const&) = delete;
    ~running() { ++tally_.ended; }

private:
    tally& tally_;
};

task<> clean_up(unsigned how) {
    co_await coir::yield();
    if (how % 2 == 0) {
        co_await coir::sleep_for(5us);
    }
}

// Work of all kinds, a part of which cannot be interrupted at once.
task<void, failed> some_work(tally& t, unsigned seed, unsigned from) {
    running const here{t};
    dice d{seed};
    t.wrong += origin.get() != from;
    auto const finalizer = [how = roll(d, 4)] { return clean_up(how); };
    switch (roll(d, 6)) {
    case 0: break;
    case 1: co_await coir::yield(); break;
    case 2: co_await coir::ensuring(coir::sleep_for(30us), std::ref(finalizer)); break;
    case 3: co_await coir::uninterruptible(coir::sleep_for(10us)); break;
    case 4: co_await coir::ensuring(coir::sleep_for(1h), std::ref(finalizer)); break;
    default: co_await coir::yield(); co_await coir::fail(failed{1});
    }
}

// `runs` is not atomic: each run happens after the one before.
struct alone {
    alone(std::atomic<long>& inside, long& overlaps, long& runs) : inside_{inside} {
        overlaps += inside_.fetch_add(1, std::memory_order_relaxed) != 0;
        ++runs;
    }
    alone(alone const&) = delete;
    alone& operator=(alone const&) = delete;
    ~alone() { inside_.fetch_sub(1, std::memory_order_relaxed); }

private:
    std::atomic<long>& inside_;
};

struct groups {
    explicit groups(scope<>& s) : slot{s}, map{s}, set{s} {}
    fiber_slot<void, failed> slot;
    fiber_map<unsigned, void, failed> map;
    fiber_set<void, failed> set;
};

// One of everything that a group does, from a fiber.
task<> meddle(groups& g, tally& t, dice& d) {
    unsigned const key = roll(d, 5);
    coir::replace_options const how{.only_if_missing = roll(d, 4) == 0, .after_previous = roll(d, 3) == 0};
    unsigned const seed = static_cast<unsigned>(d());
    unsigned const me = origin.get();
    auto const seen = [](fiber<void, failed> const& f) { f.poll(); };
    switch (roll(d, 12)) {
    case 0:
    case 1: seen(g.slot.run(how, some_work, std::ref(t), seed, me)); break;
    case 2:
    case 3:
    case 4: seen(g.map.run(key, how, some_work, std::ref(t), seed, me)); break;
    case 5: seen(g.set.run(some_work, std::ref(t), seed, me)); break;
    case 6: co_await coir::timeout(g.map.remove(key), 50us); break;
    case 7: co_await coir::timeout(g.slot.clear(), 50us); break;
    case 8: co_await coir::timeout(g.set.clear(), 20us); break;
    case 9: co_await coir::timeout(coir::as_result(g.map.join()), 20us); break;
    case 10: co_await coir::timeout(g.slot.await_empty(), 20us); break;
    default:
        if (auto const f = g.map.find(key)) {
            f.request_interrupt();
        }
        t.wrong += g.map.keys().size() > 5;
    }
}

} // namespace

TEST_CASE("groups that many fibers and a thread use at once lose nobody and leave nobody [F8, F27, F28, F29, F30]") {
    unsigned const rounds = 6 * coir_test::stress_scale();
    for (unsigned round = 1; round <= rounds; ++round) {
        tally t;
        coir::thread_pool pool{4};
        auto const body = [&](scope<>& s) -> task<> {
            groups g{s};
            std::atomic<bool> over{false};
            std::thread outside{[&] {
                dice d{round};
                while (!over) {
                    g.map.run(roll(d, 5), some_work, std::ref(t), static_cast<unsigned>(d()), 0U).poll();
                    g.slot.run(some_work, std::ref(t), static_cast<unsigned>(d()), 0U).poll();
                    t.wrong += g.map.size() > 5 || g.slot.size() > 1;
                    std::this_thread::sleep_for(20us);
                }
            }};
            auto const meddler = [&](unsigned me) -> task<> {
                dice d{round * 100 + me};
                for (int i = 0; i < 150; ++i) {
                    co_await meddle(g, t, d);
                }
            };
            auto const as_itself = [&](unsigned me) -> task<> { co_await origin.with(me, meddler, me); };
            std::vector<fiber<>> meddlers;
            for (unsigned me = 1; me <= 6; ++me) {
                meddlers.push_back(s.fork(as_itself, me));
            }
            co_await coir::join_all(meddlers);
            over = true;
            outside.join();
            co_await g.slot.close();
            co_await g.map.clear();
            co_await g.set.close();
            t.wrong += g.slot.size() + g.map.size() + g.set.size() != 0;
            co_await g.map.await_empty();
            t.wrong += t.started != t.ended;
        };
        CHECK(pool.run([&]() -> task<> { co_await coir::with_scope(body); }).is_success());
        CHECK(t.started > 0);
        CHECK(t.started == t.ended);
        CHECK(t.wrong == 0);
    }
}

TEST_CASE("work that waits its turn never overlaps, whoever replaces whom [F27]") {
    unsigned const rounds = 10 * coir_test::stress_scale();
    long overlaps = 0;
    long runs = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        coir::thread_pool pool{4};
        std::atomic<long> inside{0};
        auto const body = [&](scope<>& s) -> task<> {
            fiber_slot slot{s};
            fiber_map<int> map{s};
            auto const exclusive = [&]() -> task<> {
                alone const here{inside, overlaps, runs};
                co_await coir::uninterruptible(coir::yield());
            };
            coir::replace_options const in_turn{.after_previous = true};
            auto const replacing = [&]() -> task<> {
                for (int i = 0; i < 200; ++i) {
                    round % 2 == 0 ? map.run(7, in_turn, exclusive) : slot.run(in_turn, exclusive);
                    co_await coir::yield();
                }
            };
            auto const all = [&](scope<>& inner) -> task<> {
                for (int i = 0; i < 4; ++i) {
                    inner.fork(replacing);
                }
                co_return;
            };
            co_await coir::with_scope(all);
            co_await slot.join();
            co_await map.join();
        };
        CHECK(pool.run([&]() -> task<> { co_await coir::with_scope(body); }).is_success());
    }
    CHECK(overlaps == 0);
    CHECK(runs > 0);
}

TEST_CASE("a group that is destroyed while fibers end, and a scope that ends while a thread runs work [F8, F9]") {
    unsigned const rounds = 100 * coir_test::stress_scale();
    tally t;
    coir::thread_pool pool{3};
    for (unsigned round = 0; round < rounds; ++round) {
        std::optional<fiber_map<unsigned, void, failed>> outlives;
        std::atomic<bool> made{false};
        std::thread outside{[&] {
            while (!made) {
                std::this_thread::yield();
            }
            for (unsigned i = 0; i < 40; ++i) {
                outlives->run(i % 4, some_work, std::ref(t), round + i, 0U).poll();
            }
        }};
        auto const body = [&](scope<>& s) -> task<> {
            outlives.emplace(s);
            made = true;
            fiber_set<void, failed> set{s};
            for (unsigned i = 0; i < 10; ++i) {
                set.run(some_work, std::ref(t), round * 10 + i, 0U).poll();
            }
            co_await coir::yield();
            outlives->request_interrupt();
        };
        auto const limited = [&]() -> task<> { co_await coir::timeout(coir::with_scope(body), 200us); };
        CHECK(pool.run(limited).is_success());
        CHECK(outlives->is_closed());
        outside.join();
        outlives.reset();
        t.wrong += t.started != t.ended;
    }
    CHECK(t.started == t.ended);
    CHECK(t.wrong == 0);
}
