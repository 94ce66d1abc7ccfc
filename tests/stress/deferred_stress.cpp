// Completers, waiters and interrupters on all cores, at deferreds that are freed by whoever may
// do so first. A sanitizer sees what touches them too late; a hang is a lost wake.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using coir::deferred;
using coir::fiber;
using coir::task;
using coir::thread_pool;

namespace {

using value = std::shared_ptr<std::string const>; // its reads are visible to the sanitizers

// How the waits of a test ended.
struct tally {
    std::atomic<unsigned> good{0}, interrupted{0}, wrong{0};

    void count(coir::outcome<bool> const& end) {
        ++(end.is_interrupted() ? interrupted : end.is_success() && end.value() ? good : wrong);
    }
    unsigned sum() const { return good + interrupted + wrong; }
};

// A deferred whose last waiter, interrupted or not, frees it at once.
class short_lived {
public:
    explicit short_lived(unsigned users) : users_{users} {}

    class user {
    public:
        explicit user(short_lived& s) : of_{&s} {}
        user(user&& other) noexcept : of_{std::exchange(other.of_, nullptr)} {}
        user& operator=(user&&) = delete;
        ~user() {
            if (of_ != nullptr && of_->users_.fetch_sub(1) == 1) {
                delete of_;
            }
        }
        deferred<value>& operator*() const { return of_->cell_; }

    private:
        short_lived* of_;
    };

private:
    deferred<value> cell_;
    std::atomic<unsigned> users_;
};

// Not inlined: a compiler may keep the address of a thread-local across a suspension.
COIR_NOINLINE unsigned roll(unsigned below) {
    static thread_local std::minstd_rand random{
        static_cast<unsigned>(std::hash<std::thread::id>{}(std::this_thread::get_id()))};
    return std::uniform_int_distribution<unsigned>{0, below - 1}(random);
}

void dawdle() {
    for (unsigned i = roll(300); i > 0; --i) {
        COIR_CPU_PAUSE();
    }
}

std::chrono::microseconds moment() { return std::chrono::microseconds{roll(60)}; }

bool is_right(value const& v) { return v != nullptr && *v == "right"; }
value right() { return std::make_shared<std::string const>("right"); }

// Waits in one of the ways there are, and reads the value under the deferred's own roof.
task<bool> read(deferred<value>& d) {
    value const& v = co_await d;
    co_return is_right(v);
}

task<bool> read_in_some_way(deferred<value>& d, deferred<>& never) {
    switch (roll(5)) {
    case 0: {
        auto const r = co_await coir::timeout(read(d), moment());
        co_return r.value_or(true);
    }
    case 1: {
        auto const r = co_await coir::interrupt_when(read(d), never);
        co_return r.value_or(false);
    }
    case 2: {
        auto inner = coir::timeout(read(d), moment());
        auto const r = co_await coir::timeout(std::move(inner), moment());
        co_return r ? r->value_or(true) : true;
    }
    case 3: {
        // The deferred as a signal: the sleep is given up when it is done.
        bool const slept = co_await coir::interrupt_when(coir::sleep_for(std::chrono::hours{1}), d);
        co_return !slept;
    }
    default: co_return co_await read(d);
    }
}

// The first waiter is never interrupted and holds out.
task<bool> wait(short_lived::user mine, bool first, deferred<>& never) {
    if (first) {
        co_return co_await read(*mine);
    }
    co_return co_await read_in_some_way(*mine, never);
}

task<> complete(deferred<value>& d, bool as_value) {
    dawdle();
    if (!as_value) {
        d.interrupt();
    } else if (roll(3) == 0) {
        auto const work = []() -> task<value> { co_return right(); };
        co_await d.complete(work);
    } else {
        d.succeed(right());
    }
}

// One of several: as it may come late, it keeps the deferred.
task<> complete_too(short_lived::user mine, bool as_value) { co_await complete(*mine, as_value); }

task<> interrupt(fiber<bool> victim) {
    dawdle();
    victim.request_interrupt();
    co_return;
}

struct crew {
    unsigned waiters;
    unsigned completers;
    unsigned interrupters;
};

// One deferred from its first waiter to its last. A single completer does not keep it: while it
// completes, the waiters that it wakes may free the deferred.
task<> one_life(crew c, tally& ends, deferred<>& never) {
    bool const kept = c.completers > 1;
    bool const as_value = roll(8) != 0;
    auto& d = *new short_lived{c.waiters + (kept ? c.completers : 0)};
    std::vector<short_lived::user> users;
    for (unsigned i = 0; i < c.waiters + (kept ? c.completers : 0); ++i) {
        users.emplace_back(d);
    }
    deferred<value>& cell = *users.front();
    std::vector<fiber<bool>> waiters;
    std::vector<fiber<>> others;
    for (unsigned i = 0; i < c.waiters; ++i) {
        waiters.push_back(coir::fork(wait, std::move(users[i]), i == 0, std::ref(never)));
    }
    for (unsigned i = 0; i < c.completers; ++i) {
        others.push_back(kept ? coir::fork(complete_too, std::move(users[c.waiters + i]), as_value)
                              : coir::fork(complete, std::ref(cell), as_value));
    }
    for (unsigned i = 0; i < c.interrupters; ++i) {
        others.push_back(coir::fork(interrupt, waiters[1 + roll(c.waiters - 1)]));
    }
    for (auto const& f : others) {
        co_await f;
    }
    for (auto const& f : waiters) {
        auto const& end = co_await f.await();
        ends.count(end);
    }
}

task<> many_lives(unsigned lives, crew c, tally& ends, deferred<>& never) {
    for (unsigned i = 0; i < lives; ++i) {
        co_await one_life(c, ends, never);
    }
}

// Runs several series of lives side by side, on more threads than cores.
void run_crews(crew c, unsigned lives) {
    constexpr unsigned series = 6;
    lives *= coir_test::stress_scale();
    tally ends;
    deferred<> never;
    {
        thread_pool pool{std::max(4U, std::thread::hardware_concurrency())};
        std::vector<fiber<>> all;
        for (unsigned i = 0; i < series; ++i) {
            all.push_back(pool.spawn(many_lives, lives, c, std::ref(ends), std::ref(never)));
        }
        auto const join = [&]() -> task<> {
            for (auto const& f : all) {
                co_await f;
            }
        };
        CHECK(pool.run(join).is_success());
    }
    CHECK(ends.wrong == 0);
    CHECK(ends.good > 0);
    CHECK(ends.sum() == series * lives * c.waiters);
    CHECK(never.waiter_count() == 0);
}

} // namespace

TEST_CASE("stress: one completer, many waiters, many interrupters [D12 D15 D16 D17 D18]") {
    run_crews({6, 1, 4}, 1500);
}

TEST_CASE("stress: many completers [D3 D9 D17]") { run_crews({3, 3, 2}, 1800); }

TEST_CASE("stress: all waiters are interrupted while the deferred completes [D17 D21]") { run_crews({2, 1, 6}, 1800); }

TEST_CASE("stress: nobody but a completer [D1 D38]") { run_crews({4, 1, 0}, 2400); }

TEST_CASE("stress: a deferred destroyed unfinished while cancellers are inside [D32]") {
    unsigned const rounds = 4000 * coir_test::stress_scale();
    tally ends;
    auto const plainly = [](deferred<value>& d, deferred<>&) -> task<bool> { co_return co_await read(d); };
    auto const until_stopped = [](deferred<value>& d, deferred<>& stop) -> task<bool> {
        co_return !co_await coir::interrupt_when(read(d), stop);
    };
    auto const as_signal = [](deferred<value>& d, deferred<>&) -> task<bool> {
        co_return co_await coir::interrupt_when(coir::sleep_for(std::chrono::hours{1}), d);
    };
    auto const round = [&]() -> task<> {
        deferred<> stop;
        auto d = std::make_unique<deferred<value>>();
        std::vector<fiber<bool>> waiters;
        for (unsigned i = 0; i < 3; ++i) {
            waiters.push_back(coir::fork(plainly, std::ref(*d), std::ref(stop)));
            waiters.push_back(coir::fork(until_stopped, std::ref(*d), std::ref(stop)));
            waiters.push_back(coir::fork(as_signal, std::ref(*d), std::ref(stop)));
        }
        while (d->waiter_count() != waiters.size()) { // nobody begins to wait after the end
            co_await coir::yield();
        }
        std::vector<fiber<>> cancellers;
        for (unsigned i = 0; i < 5; ++i) {
            cancellers.push_back(coir::fork(interrupt, waiters[roll(9)]));
        }
        auto const stopper = [&]() -> task<> {
            dawdle();
            stop.succeed();
            co_return;
        };
        cancellers.push_back(coir::fork(stopper));
        co_await coir::yield();
        dawdle();
        d.reset();
        for (auto const& f : waiters) {
            auto const& end = co_await f.await();
            ends.count(end);
        }
        for (auto const& f : cancellers) {
            co_await f;
        }
    };
    thread_pool pool{std::max(4U, std::thread::hardware_concurrency())};
    for (unsigned i = 0; i < rounds; ++i) {
        REQUIRE(pool.run(round).is_success());
    }
    CHECK(ends.wrong == 0);
    CHECK(ends.sum() == 9 * rounds);
}

TEST_CASE("stress: loops on threads of their own wake each other [D33]") {
    unsigned const rounds = 300 * coir_test::stress_scale();
    std::atomic<unsigned> right_ones{0};
    for (unsigned i = 0; i < rounds; ++i) {
        deferred<value> d;
        std::vector<std::thread> loops;
        for (unsigned n = 0; n < 3; ++n) {
            loops.emplace_back([&] {
                coir::run_loop loop;
                auto const waits = [&]() -> task<> {
                    while (!co_await coir::timeout(read(d), moment())) {
                    }
                    ++right_ones;
                };
                loop.run(waits);
            });
        }
        dawdle();
        std::this_thread::sleep_for(moment());
        d.succeed(right());
        for (auto& t : loops) {
            t.join();
        }
    }
    CHECK(right_ones == 3 * rounds);
}
