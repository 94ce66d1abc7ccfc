// What holds for a deferred wherever its fibers run. What depends on one scheduler's order or
// time, and what only its types decide, is in tests/deferred*.cpp; memory is in tests/heap.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/time.hpp>

#include "conformance/every_scheduler.hpp"
#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::fiber;
using coir::outcome;
using coir::task;
using coir_test::on_every_scheduler;
using coir_test::place;
using coir_test::until_waiting;

namespace {

struct failed {
    int code;
    friend bool operator==(failed const&, failed const&) = default;
};

template <class T, class E>
task<outcome<T, E>> seen(deferred<T, E>& d) {
    co_return co_await coir::as_outcome(d);
}

task<int> value_of(deferred<int>& d) { co_return co_await d; }

std::vector<fiber<int>> fork_waiters(deferred<int>& d, std::size_t n) {
    std::vector<fiber<int>> waiters;
    for (std::size_t i = 0; i < n; ++i) {
        waiters.push_back(coir::fork(value_of, std::ref(d)));
    }
    return waiters;
}

// How fibers ended: with a value, interrupted, otherwise.
struct ends {
    std::size_t values = 0;
    std::size_t interrupted = 0;
    std::size_t others = 0;
    friend bool operator==(ends const&, ends const&) = default;
};

task<ends> ends_of(std::vector<fiber<int>> const& fibers, int value) {
    ends sum;
    for (auto const& f : fibers) {
        auto const& end = co_await f.await();
        ++(end.is_interrupted() ? sum.interrupted : end.is_success() && end.value() == value ? sum.values : sum.others);
    }
    co_return sum;
}

} // namespace

TEST_CASE("everywhere: the first completion stays, for those who wait and those who come [D1 D2 D12 D27 D28]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int, failed> d;
        std::atomic<int> resumed{0};
        auto const waits = [&]() -> task<int, failed> {
            int const value = co_await d;
            ++resumed;
            co_return value;
        };
        std::vector<fiber<int, failed>> waiters{coir::fork(waits), coir::fork(waits), coir::fork(waits)};
        co_await until_waiting(d, 3);
        CHECK_FALSE(d.is_done());
        CHECK(d.poll() == nullptr);
        CHECK(d.succeed(42));
        CHECK_FALSE(d.succeed(1));
        CHECK_FALSE(d.fail(failed{2}));
        CHECK_FALSE(d.die(std::make_exception_ptr(3)));
        CHECK_FALSE(d.interrupt());
        CHECK_FALSE(d.done(outcome<int, failed>::success(4)));
        waiters.push_back(coir::fork(waits));
        for (auto const& w : waiters) {
            auto const& end = co_await w.await();
            CHECK(end.value() == 42);
        }
        CHECK(resumed == 4);
        CHECK(d.is_done());
        CHECK(d.poll()->value() == 42);
    });
}

TEST_CASE("everywhere: of many that complete one wins and all see its outcome [D3]") {
    on_every_scheduler([](place const&) -> task<> {
        for (int round = 0; round < 20; ++round) {
            deferred<int> d;
            std::atomic<int> wins{0};
            std::atomic<int> winner{-1};
            auto const waiters = fork_waiters(d, 2);
            auto const completes = [&](int who) -> task<> {
                if (d.succeed(who)) {
                    ++wins;
                    winner = who;
                }
                co_return;
            };
            std::vector<fiber<>> completers;
            for (int who = 0; who < 4; ++who) {
                completers.push_back(coir::fork(completes, who));
            }
            co_await coir::join_all(completers);
            ends const all = co_await ends_of(waiters, winner);
            CHECK(wins == 1);
            CHECK(all.values == 2);
        }
    });
}

TEST_CASE("everywhere: a failure is a typed failure that can be recovered from [D4]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int, failed> d;
        auto const passes_on = [&]() -> task<int, failed> { co_return co_await d; };
        auto const recovers = [&]() -> task<int> {
            auto const r = co_await coir::as_result(d);
            co_return r.has_value() ? 0 : r.error().code;
        };
        auto const first = coir::fork(passes_on);
        auto const second = coir::fork(recovers);
        co_await until_waiting(d, 2);
        CHECK(d.fail(failed{7}));
        auto const& end = co_await first.await();
        int const recovered = co_await second;
        CHECK(end.error() == failed{7});
        CHECK(recovered == 7);
    });
}

TEST_CASE("everywhere: work that completes runs once, and its failure is stored [D5 D6]") {
    on_every_scheduler([](place const&) -> task<> {
        std::atomic<int> runs{0};
        deferred<int> good;
        auto const work = [&]() -> task<int> {
            co_await coir::yield();
            co_return ++runs;
        };
        auto const waiters = fork_waiters(good, 2);
        bool const won = co_await good.complete(work);
        ends const all = co_await ends_of(waiters, 1);
        CHECK(won);
        CHECK(all.values == 2);
        CHECK(runs == 1);

        deferred<int, failed> bad;
        auto const fails = [&]() -> task<int, failed> {
            co_await coir::fail(failed{++runs});
            co_return 0;
        };
        bool const won_too = co_await bad.complete(fails);
        auto const first = co_await seen(bad);
        auto const second = co_await seen(bad);
        CHECK(won_too);
        CHECK(first.error().code == 2);
        CHECK(second.error().code == 2);
        CHECK(runs == 2);
    });
}

TEST_CASE("everywhere: work is not started for a deferred that is done, nor twice for one that is not [D8 D9]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int> d;
        std::atomic<int> started{0};
        std::atomic<int> wins{0};
        auto const work = [&]() -> task<int> {
            int const mine = ++started;
            co_await coir::yield();
            co_return mine;
        };
        auto const completes = [&]() -> task<> {
            bool const won = co_await d.complete(work);
            wins += won ? 1 : 0;
        };
        std::vector<fiber<>> completers;
        for (int i = 0; i < 4; ++i) {
            completers.push_back(coir::fork(completes));
        }
        co_await coir::join_all(completers);
        CHECK(wins == 1);
        CHECK(started == 1);
        bool const late = co_await d.complete(work);
        CHECK_FALSE(late);
        CHECK(started == 1);
        CHECK(d.poll()->value() == 1);
    });
}

TEST_CASE("everywhere: an interrupted completer completes as interrupted [D10]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int> d;
        deferred<> at_work;
        auto const never_ends = [&]() -> task<int> {
            at_work.succeed();
            co_await coir::sleep_for(24h);
            co_return 1;
        };
        auto const completes = [&]() -> task<bool> { co_return co_await d.complete(never_ends); };
        auto const completer = coir::fork(completes);
        auto const waiters = fork_waiters(d, 2);
        co_await at_work;
        co_await completer.interrupt();
        ends const all = co_await ends_of(waiters, 1);
        CHECK(completer.poll()->is_interrupted());
        CHECK(all.interrupted == 2);
        CHECK(d.poll()->is_interrupted());
    });
}

TEST_CASE("everywhere: what the work throws is the deferred's defect [D11]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int> d;
        auto const throws = []() -> task<int> {
            co_await coir::yield();
            throw std::runtime_error("broken");
        };
        auto const waiter = coir::fork(seen<int, coir::never>, std::ref(d));
        bool const won = co_await d.complete(throws);
        auto const& end = co_await waiter;
        CHECK(won);
        CHECK_THROWS_AS(end.value(), std::runtime_error);
    });
}

TEST_CASE("everywhere: waiters resume in the order of their coming where fibers run in order [D13]") {
    on_every_scheduler([](place const& at) -> task<> {
        deferred<> d;
        std::vector<std::size_t> order;
        std::vector<fiber<>> waiters;
        auto const waits = [&](std::size_t who) -> task<> {
            co_await d;
            if (at.one_thread) order.push_back(who);
        };
        for (std::size_t who = 0; who < 20; ++who) {
            waiters.push_back(coir::fork(waits, who));
            co_await until_waiting(d, who + 1);
        }
        d.succeed();
        co_await coir::join_all(waiters);
        CHECK(order.size() == (at.one_thread ? 20 : 0));
        if (at.in_order) {
            CHECK(std::ranges::is_sorted(order));
        }
    });
}

TEST_CASE("everywhere: awaiting a done deferred does not suspend [D14]") {
    on_every_scheduler([](place const& at) -> task<> {
        deferred<int> d;
        d.succeed(1);
        std::atomic<bool> another_ran{false};
        auto const another = [&]() -> task<> {
            another_ran = true;
            co_return;
        };
        auto const f = coir::fork(another); // would run if this fiber suspended
        int sum = 0;
        for (int i = 0; i < 1'000; ++i) {
            sum += co_await d;
        }
        bool const suspended = at.one_thread && another_ran;
        CHECK(sum == 1'000);
        CHECK_FALSE(suspended);
        co_await f;
    });
}

TEST_CASE("everywhere: an interrupted waiter is taken out and sees nothing, and the other gets the value [D15 D16]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int> d;
        std::atomic<bool> observed{false};
        auto const must_not = [&]() -> task<> {
            static_cast<void>(co_await d);
            observed = true;
        };
        auto const leaves = coir::fork(must_not);
        auto const stays = coir::fork(value_of, std::ref(d));
        co_await until_waiting(d, 2);
        co_await leaves.interrupt();
        CHECK(d.waiter_count() == 1);
        CHECK(leaves.poll()->is_interrupted());
        d.succeed(7);
        int const got = co_await stays;
        CHECK(got == 7);
        CHECK_FALSE(observed);
    });
}

TEST_CASE("everywhere: completion and interruption at once end a waiter in one of two ways [D17]") {
    on_every_scheduler([](place const&) -> task<> {
        for (int round = 0; round < 30; ++round) {
            deferred<int> d;
            auto const waiters = fork_waiters(d, 3);
            auto const completes = [&]() -> task<> {
                d.succeed(7);
                co_return;
            };
            auto const interrupts = [&](std::size_t whom) -> task<> {
                waiters[whom].request_interrupt();
                co_return;
            };
            if (round % 2 == 0) {
                co_await until_waiting(d, 3);
            }
            std::vector<fiber<>> others{coir::fork(interrupts, 0U), coir::fork(completes), coir::fork(interrupts, 1U)};
            co_await coir::join_all(others);
            ends const all = co_await ends_of(waiters, 7);
            CHECK(all.others == 0);
            CHECK(all.interrupted <= 2);
            CHECK(d.waiter_count() == 0);
        }
    });
}

TEST_CASE("everywhere: interrupting a waiter whose wake is on its way touches nothing of the deferred [D18]") {
    on_every_scheduler([](place const&) -> task<> {
        auto d = std::make_unique<deferred<>>();
        auto const goes_on = [&cell = *d]() -> task<bool> {
            auto const end = co_await coir::as_outcome(cell);
            co_return end.is_interrupted();
        };
        std::vector<fiber<bool>> const waiters{coir::fork(goes_on), coir::fork(goes_on), coir::fork(goes_on)};
        co_await until_waiting(*d, 3);
        d.reset(); // tells them all
        for (auto const& w : waiters) {
            w.request_interrupt();
        }
        for (auto const& w : waiters) {
            auto const& end = co_await w.await();
            bool const right = end.is_interrupted() || end.value();
            CHECK(right);
        }
    });
}

TEST_CASE("everywhere: an interrupted outcome wakes all, and those after one that dies too [D19]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int> d;
        auto const dies = [&]() -> task<int> {
            static_cast<void>(co_await coir::as_outcome(d));
            throw std::runtime_error("first");
        };
        auto const first = coir::fork(dies);
        co_await until_waiting(d, 1);
        auto const waiters = fork_waiters(d, 5);
        co_await until_waiting(d, 6);
        CHECK(d.interrupt());
        auto const& end = co_await first.await();
        ends const all = co_await ends_of(waiters, 0);
        CHECK(end.is_defect());
        CHECK(all.interrupted == 5);
    });
}

TEST_CASE("everywhere: a waiter may complete and await the deferred that woke it [D20]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int> d;
        auto const again = [&]() -> task<int> {
            static_cast<void>(co_await d);
            bool const won = d.succeed(2);
            int const value = co_await d;
            co_return won ? -1 : value;
        };
        std::vector<fiber<int>> const waiters{coir::fork(again), coir::fork(again), coir::fork(again)};
        co_await until_waiting(d, 3);
        d.succeed(1);
        ends const all = co_await ends_of(waiters, 1);
        CHECK(all.values == 3);
    });
}

TEST_CASE("everywhere: whichever of 512 waiters leave, the others resume [D21]") {
    constexpr std::size_t n = 512;
    using rule = bool (*)(std::size_t);
    for (rule const leaves :
         {rule{[](std::size_t i) { return i < 100; }}, rule{[](std::size_t i) { return i >= n - 100; }},
          rule{[](std::size_t i) { return i % 2 == 0; }}, rule{[](std::size_t i) { return i * i % 7 < 3; }},
          rule{[](std::size_t) { return true; }}}) {
        on_every_scheduler(
            [leaves](place const& at) -> task<> {
                deferred<int> d;
                auto const waiters = fork_waiters(d, n);
                co_await until_waiting(d, n);
                std::size_t gone = 0;
                for (std::size_t i = 0; i < n; ++i) {
                    std::size_t const who = i * 211 % n; // in no order
                    if (leaves(who)) {
                        waiters[who].request_interrupt();
                        ++gone;
                    }
                }
                if (at.one_thread) { // elsewhere one may still be on its way into the wait, or out of it
                    CHECK(d.waiter_count() == n - gone);
                }
                d.succeed(3);
                ends const all = co_await ends_of(waiters, 3);
                CHECK(all == ends{n - gone, gone, 0});
            },
            2);
    }
}

TEST_CASE("everywhere: completing does not wait for what a waiter does next [D24]") {
    on_every_scheduler(
        [](place const&) -> task<> {
            deferred<> d;
            std::atomic<bool> returned{false};
            auto const loops = [&]() -> task<bool> {
                co_await d;
                auto const limit = std::chrono::steady_clock::now() + 20s;
                while (!returned && std::chrono::steady_clock::now() < limit) {
                    std::this_thread::yield(); // a loop that lets nobody in
                }
                co_return returned.load();
            };
            auto const reader = coir::fork(loops);
            co_await until_waiting(d, 1);
            d.succeed();
            returned = true;
            bool const in_time = co_await reader;
            CHECK(in_time);
        },
        1);
}

TEST_CASE("everywhere: interrupt says who it was, and waiters that recover go on unharmed [D25 D26]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int> d;
        std::atomic<bool> asked_to_stop{false};
        auto const recovers = [&]() -> task<coir::fiber_id> {
            auto const end = co_await coir::as_outcome(d);
            asked_to_stop = coir::this_fiber::interrupt_requested();
            co_await coir::yield();
            co_await coir::sleep_for(1ms);
            co_return end.interrupted_by();
        };
        auto const recovered = coir::fork(recovers);
        auto const ended = coir::fork(value_of, std::ref(d));
        co_await until_waiting(d, 2);
        auto const me = coir::this_fiber::id();
        CHECK(d.interrupt());
        auto const& first = co_await recovered.await();
        auto const& second = co_await ended.await();
        CHECK(first.is_success());
        CHECK(first.value() == me);
        CHECK(second.interrupted_by() == me);
        CHECK_FALSE(asked_to_stop);
    });
}

TEST_CASE("everywhere: a value that only moves is read by many and taken by one [D29 D30]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<std::unique_ptr<int>> d;
        std::atomic<int> taken{0};
        std::atomic<int> too_late{0};
        auto const reads = [&]() -> task<int> {
            std::unique_ptr<int> const& p = co_await d;
            co_return *p;
        };
        auto const takes = [&]() -> task<std::unique_ptr<int>> { co_return co_await d.take(); };
        std::vector<fiber<int>> const readers{coir::fork(reads), coir::fork(reads)};
        co_await until_waiting(d, 2);
        d.succeed(std::make_unique<int>(3));
        ends const read = co_await ends_of(readers, 3);
        CHECK(read.values == 2);
        std::vector<fiber<std::unique_ptr<int>>> const takers{coir::fork(takes), coir::fork(takes), coir::fork(takes)};
        for (auto const& t : takers) {
            auto const& end = co_await t.await();
            ++(end.is_success() && *end.value() == 3 ? taken : too_late);
        }
        CHECK(taken == 1);
        CHECK(too_late == 2);
    });
}

TEST_CASE("everywhere: the completer of a shared deferred may drop the last handle [D31]") {
    on_every_scheduler([](place const&) -> task<> {
        std::optional<coir::shared_deferred<std::string>> d{std::in_place};
        auto const waits = [](coir::shared_deferred<std::string> handle) -> task<std::string> {
            auto waiting = handle.coir_operation();
            handle = {}; // the await alone keeps it
            co_return co_await std::move(waiting);
        };
        std::vector<fiber<std::string>> const waiters{coir::fork(waits, *d), coir::fork(waits, *d)};
        co_await until_waiting(**d, 2);
        auto completes = [](coir::shared_deferred<std::string> last) -> task<> {
            last->succeed("still here, and too long for the string itself");
            co_return;
        };
        auto const completer = coir::fork(completes, std::move(*d));
        d.reset();
        for (auto const& w : waiters) {
            auto const& end = co_await w.await();
            CHECK(end.value() == "still here, and too long for the string itself");
        }
        co_await completer;
    });
}

TEST_CASE("everywhere: waiters of a deferred that is destroyed unfinished end interrupted [D32]") {
    on_every_scheduler([](place const&) -> task<> {
        for (int round = 0; round < 10; ++round) {
            auto d = std::make_unique<deferred<int>>();
            auto const waiters = fork_waiters(*d, 4);
            auto const recovers = [&cell = *d]() -> task<bool> {
                auto const end = co_await coir::as_outcome(cell);
                co_return end.is_interrupted() && !coir::this_fiber::interrupt_requested();
            };
            auto const recovered = coir::fork(recovers);
            co_await until_waiting(*d, 5);
            auto const interrupts = [&]() -> task<> {
                waiters[1].request_interrupt();
                co_return;
            };
            auto const interrupter = coir::fork(interrupts);
            if (round % 2 == 0) {
                co_await coir::yield();
            }
            d.reset();
            ends const all = co_await ends_of(waiters, 0);
            bool const well = co_await recovered;
            co_await interrupter;
            CHECK(all.interrupted == 4);
            CHECK(well);
        }
    });
}

TEST_CASE("everywhere: waiters that a foreign thread wakes resume on their own scheduler [D33]") {
    on_every_scheduler(
        [](place const& at) -> task<> {
            std::optional<coir::expected_external> promised;
            if (at.test != nullptr) {
                promised.emplace(at.test->expect_external());
            }
            deferred<int> d;
            std::atomic<int> at_home{0};
            auto const waits = [&]() -> task<> {
                static_cast<void>(co_await d);
                at_home += coir::detail::this_worker().current == &at.scheduler ? 1 : 0;
            };
            std::vector<fiber<>> const waiters{coir::fork(waits), coir::fork(waits), coir::fork(waits)};
            co_await until_waiting(d, 3);
            std::thread callback{[&] { d.succeed(1); }};
            co_await coir::join_all(waiters);
            callback.join();
            CHECK(at_home == 3);
        },
        5);
}

TEST_CASE("everywhere: a hundred thousand waiters do not overflow the stack [D34]") {
    on_every_scheduler(
        [](place const&) -> task<> {
            constexpr std::size_t n = COIR_TSAN ? 20'000 : 100'000; // its frames are larger, and slow
            deferred<int> d;
            auto const waiters = fork_waiters(d, n);
            while (d.waiter_count() != n) { // counting is a walk
                co_await coir::sleep_for(1ms);
            }
            for (std::size_t i = 0; i < n; i += 2) {
                waiters[i].request_interrupt();
            }
            d.succeed(1);
            ends const all = co_await ends_of(waiters, 1);
            CHECK(all == ends{n / 2, n / 2, 0});
        },
        1);
}

TEST_CASE("everywhere: a value whose constructor throws completes with that defect [D37]") {
    struct throws {
        explicit throws(int code) { throw std::runtime_error(std::to_string(code)); }
    };
    on_every_scheduler([](place const&) -> task<> {
        deferred<throws> d;
        auto const waits = [&]() -> task<> { static_cast<void>(co_await d); };
        std::vector<fiber<>> const waiters{coir::fork(waits), coir::fork(waits)};
        co_await until_waiting(d, 2);
        CHECK(d.succeed(5));
        for (auto const& w : waiters) {
            auto const& end = co_await w.await();
            CHECK_THROWS_AS(end.value(), std::runtime_error);
        }
        CHECK_FALSE(d.interrupt());
    });
}

TEST_CASE("everywhere: no waiter runs before the outcome is set [D38]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<std::string> d;
        std::atomic<int> early{0};
        auto const waits = [&]() -> task<> {
            std::string const& value = co_await d;
            auto const* const end = d.poll();
            early += end != nullptr && &end->value() == &value && value == "nine" ? 0 : 1;
        };
        auto const work = []() -> task<std::string> {
            co_await coir::yield();
            co_await coir::sleep_for(1ms);
            co_return std::string{"nine"};
        };
        auto const completes = [&]() -> task<> { co_await d.complete(work); };
        std::vector<fiber<>> all;
        for (int i = 0; i < 8; ++i) {
            all.push_back(i == 4 ? coir::fork(completes) : coir::fork(waits));
        }
        co_await coir::join_all(all);
        CHECK(early == 0);
    });
}

TEST_CASE("everywhere: a stored recipe has not run, and runs once for each await [D7]") {
    on_every_scheduler([](place const&) -> task<> {
        coir::deferred_recipe<int> r;
        std::atomic<int> runs{0};
        auto const waits = [&]() -> task<int> { co_return co_await r; };
        std::vector<fiber<int>> const waiters{coir::fork(waits), coir::fork(waits)};
        co_await until_waiting(r, 2);
        auto const next = [&]() -> task<int> {
            co_await coir::yield();
            co_return ++runs;
        };
        auto const hold = runs.load();
        bool const won = r.complete_with(next);
        int const first = co_await waiters[0];
        int const second = co_await waiters[1];
        CHECK(won);
        CHECK(hold == 0);
        CHECK(first + second == 3);
        CHECK(runs == 2);
    });
}

TEST_CASE("everywhere: what is completed through the writing half is seen through the reading one [D31 D35]") {
    on_every_scheduler([](place const&) -> task<> {
        auto both = std::optional{coir::make_deferred<int>()};
        auto const from = coir::view_of(*both);
        auto const completes = [](coir::deferred_completer<int> to) -> task<> {
            co_await coir::yield();
            to.succeed(6);
        };
        coir::fork(completes, coir::completer_of(*both));
        both.reset(); // the halves keep it
        int const seen_there = co_await from;
        CHECK(seen_there == 6);
    });
}

TEST_CASE("everywhere: a deferred attached to a scope ends with it, for those inside and outside [D36]") {
    on_every_scheduler([](place const&) -> task<> {
        coir::shared_deferred<int> d;
        auto const waits = [&]() -> task<int> { co_return co_await d; };
        std::vector<fiber<int>> waiters;
        bool open = false;
        auto const body = [&](coir::scope<>& s) -> task<> {
            d = coir::make_deferred<int>(s);
            waiters.push_back(coir::fork(waits));
            waiters.push_back(coir::fork(waits));
            co_await until_waiting(*d, 2);
            auto const works = [&]() -> task<> {
                co_await coir::yield();
                open = !d->is_done();
            };
            s.fork(works); // a scope that ends normally is open until its last child has ended
        };
        co_await coir::with_scope(body);
        ends const sum = co_await ends_of(waiters, 0);
        CHECK(open);
        CHECK(sum == ends{0, 2, 0});
    });
}
