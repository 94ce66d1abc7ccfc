// Waiting for a deferred: order, leaving early, and the end of the deferred itself.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::fiber;
using coir::task;
using coir::test_scheduler;

namespace {

task<int> value_of(deferred<int>& d) { co_return co_await d; }

task<> note(deferred<int>& d, int who, std::vector<int>& order) {
    static_cast<void>(co_await d);
    order.push_back(who);
}

std::vector<fiber<int>> start_waiters(test_scheduler& s, deferred<int>& d, int n) {
    std::vector<fiber<int>> waiters;
    for (int i = 0; i < n; ++i) {
        waiters.push_back(s.start(value_of, std::ref(d)));
    }
    s.run_ready();
    return waiters;
}

std::ptrdiff_t with_value(std::vector<fiber<int>> const& waiters, int value) {
    return std::ranges::count_if(waiters, [&](auto const& f) {
        return f.poll() != nullptr && f.poll()->is_success() && f.poll()->value() == value;
    });
}

std::ptrdiff_t interrupted(std::vector<fiber<int>> const& waiters) {
    return std::ranges::count_if(waiters,
                                 [](auto const& f) { return f.poll() != nullptr && f.poll()->is_interrupted(); });
}

} // namespace

TEST_CASE("a suspended waiter resumes exactly once [D12]") {
    test_scheduler s;
    deferred<int> d;
    int resumed = 0;
    auto const waits = [&]() -> task<> {
        static_cast<void>(co_await d);
        ++resumed;
        co_await coir::sleep_for(1s); // a second wake would end the sleep early
        resumed += s.elapsed() == 1s ? 10 : 0;
    };
    auto const waiter = s.start(waits);
    s.run_ready();
    CHECK(resumed == 0);
    d.succeed(1);
    d.succeed(2);
    s.run_ready();
    CHECK(resumed == 1);
    s.advance(1s);
    CHECK(resumed == 11);
}

TEST_CASE("waiters resume in the order of their coming [D13]") {
    test_scheduler s;
    deferred<int> d;
    std::vector<int> order;
    for (int who = 0; who < 20; ++who) {
        s.start(note, std::ref(d), who, std::ref(order));
    }
    s.run_ready();
    d.succeed(1);
    s.run_ready();
    std::vector<int> expected(20);
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(order == expected);
}

TEST_CASE("awaiting a done deferred does not suspend [D14]") {
    test_scheduler s;
    deferred<int> d;
    d.succeed(1);
    auto const counts = [&]() -> task<std::uint64_t> {
        auto const before = s.steps();
        for (int i = 0; i < 1'000; ++i) {
            static_cast<void>(co_await d);
        }
        co_return s.steps() - before;
    };
    CHECK(s.run(counts).value() == 0);
}

TEST_CASE("an interrupted waiter is taken out and the other still gets the value [D15 D16]") {
    test_scheduler s;
    deferred<int> d;
    auto const waiters = start_waiters(s, d, 2);
    CHECK(d.waiter_count() == 2);
    waiters[0].request_interrupt();
    CHECK(d.waiter_count() == 1);
    s.run_ready();
    d.succeed(7);
    s.run_ready();
    CHECK(waiters[0].poll()->is_interrupted());
    CHECK(waiters[1].poll()->value() == 7);
}

TEST_CASE("completion and interruption at the same time end a waiter in one of two ways [D17]") {
    int values = 0;
    for (unsigned seed = 1; seed <= coir_test::seeds(); ++seed) {
        test_scheduler s{seed};
        deferred<int> d;
        auto const waiter = s.start(value_of, std::ref(d));
        auto const completer = [&]() -> task<> {
            d.succeed(7);
            co_return;
        };
        auto const interrupter = [&]() -> task<> {
            waiter.request_interrupt();
            co_return;
        };
        s.start(completer);
        s.start(interrupter);
        s.run_ready();
        REQUIRE(waiter.poll() != nullptr);
        auto const& end = *waiter.poll();
        CHECK((end.is_interrupted() || (end.is_success() && end.value() == 7)));
        values += end.is_success() ? 1 : 0;
    }
    CHECK(values > 0);
    CHECK(values < static_cast<int>(coir_test::seeds()));
}

TEST_CASE("interrupting a waiter whose wake is on its way touches nothing of the deferred [D18]") {
    test_scheduler s;
    auto d = std::make_unique<deferred<int>>();
    auto const waits = [&]() -> task<> { static_cast<void>(co_await *d); };
    auto const dropped = s.start(waits);
    auto const goes_on = [&]() -> task<> { co_await coir::as_outcome(*d); };
    auto const other = s.start(goes_on);
    s.run_ready();
    d->interrupt(); // the wakes are queued
    dropped.request_interrupt();
    other.request_interrupt();
    s.run_ready();
    d.reset();
    CHECK(dropped.poll()->is_interrupted());
    CHECK(other.poll()->is_interrupted());
}

TEST_CASE("an interrupted outcome wakes all waiters and those after one that dies too [D19]") {
    test_scheduler s;
    deferred<int> d;
    auto const dies = [&]() -> task<> {
        static_cast<void>(co_await coir::as_outcome(d));
        throw std::runtime_error("first");
    };
    auto const first = s.start(dies);
    auto const waiters = start_waiters(s, d, 5);
    d.interrupt();
    s.run_ready();
    CHECK(first.poll()->is_defect());
    CHECK(interrupted(waiters) == 5);
}

TEST_CASE("a waiter may complete and await the deferred that woke it [D20]") {
    test_scheduler s;
    deferred<int> d;
    auto const again = [&]() -> task<int> {
        static_cast<void>(co_await d);
        bool const won = d.succeed(2);
        int const& value = co_await d;
        co_return won ? -1 : value;
    };
    auto const first = s.start(again);
    auto const second = s.start(again);
    auto const third = s.start(again);
    s.run_ready();
    d.succeed(1);
    s.run_ready();
    CHECK(first.poll()->value() == 1);
    CHECK(second.poll()->value() == 1);
    CHECK(third.poll()->value() == 1);
}

TEST_CASE("whichever of 512 waiters leave the others resume [D21]") {
    constexpr std::size_t n = 512;
    using rule = std::function<bool(std::size_t)>;
    std::mt19937_64 random{1};
    std::vector<rule> const leave = {
        [](std::size_t i) { return i < 100; },              // a run at the front
        [](std::size_t i) { return i >= n - 100; },         // at the back
        [](std::size_t i) { return i > 200 && i < 300; },   // in the middle
        [](std::size_t i) { return i == 0 || i == n - 1; }, // the ends
        [](std::size_t i) { return i % 2 == 0; },           // every other
        [](std::size_t) { return true; },
        [](std::size_t) { return false; },
        [&](std::size_t) { return random() % 3 == 0; },
    };
    for (rule const& leaves : leave) {
        test_scheduler s;
        deferred<int> d;
        auto const waiters = start_waiters(s, d, n);
        std::vector<std::size_t> order(n);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::ranges::shuffle(order, random);
        std::ptrdiff_t gone = 0;
        for (std::size_t const i : order) {
            if (leaves(i)) {
                waiters[i].request_interrupt();
                ++gone;
            }
        }
        CHECK(d.waiter_count() == n - static_cast<std::size_t>(gone));
        d.succeed(3);
        s.run_ready();
        CHECK(with_value(waiters, 3) == static_cast<std::ptrdiff_t>(n) - gone);
        CHECK(interrupted(waiters) == gone);
    }
}

TEST_CASE("a deferred that many gave up holds none of them [D22]") {
    test_scheduler s;
    deferred<int> d;
    auto const ready = []() -> task<int> { co_return 1; };
    auto const gives_up = [&]() -> task<std::size_t> {
        std::size_t most = 0;
        for (int i = 0; i < 10'000; ++i) {
            co_await coir::race(d.coir_operation(), ready());
            co_await coir::timeout(d, 1ms);
            most = (std::max)(most, d.waiter_count());
        }
        co_return most;
    };
    CHECK(s.run(gives_up).value() == 0);
}

TEST_CASE("a waiter that never ends does not hold up the completer [D24]") {
    test_scheduler s;
    deferred<int> d;
    bool stop = false;
    auto const loops = [&]() -> task<> {
        static_cast<void>(co_await d);
        while (!stop) {
            co_await coir::yield();
        }
    };
    auto const waiter = s.start(loops);
    auto const completer = [&]() -> task<bool> {
        co_await coir::yield();
        bool const won = d.succeed(1);
        co_await coir::yield();
        stop = true;
        co_return won;
    };
    auto const done = s.start(completer);
    s.run_until([&] { return waiter.poll() != nullptr; });
    CHECK(done.poll()->value());
}

TEST_CASE("waiters of a deferred that is destroyed unfinished end interrupted [D32]") {
    test_scheduler s;
    auto d = std::make_unique<deferred<int>>();
    auto const waiters = start_waiters(s, *d, 4);
    auto const recovers = [&]() -> task<bool> {
        auto const end = co_await coir::as_outcome(*d);
        co_return end.is_interrupted() && !coir::this_fiber::interrupt_requested();
    };
    auto const recovered = s.start(recovers);
    s.run_ready();
    waiters[1].request_interrupt();
    d.reset();
    waiters[2].request_interrupt();
    s.run_ready();
    CHECK(interrupted(waiters) == 4);
    CHECK(recovered.poll()->value());
}

TEST_CASE("a deferred that was claimed but never completed ends its waiters too [D32]") {
    test_scheduler s;
    auto d = std::make_unique<deferred<int>>();
    auto const waiters = start_waiters(s, *d, 2);
    CHECK(d->get_cell().claim());
    d.reset();
    s.run_ready();
    CHECK(interrupted(waiters) == 2);
}

TEST_CASE("a hundred thousand waiters do not overflow the stack [D34]") {
    constexpr int n = 100'000;
    test_scheduler s;
    deferred<int> d;
    auto const waiters = start_waiters(s, d, n);
    CHECK(d.waiter_count() == n);
    for (std::size_t i = 0; i < waiters.size(); i += 2) {
        waiters[i].request_interrupt();
    }
    d.succeed(1);
    s.run_ready();
    CHECK(with_value(waiters, 1) == n / 2);
    CHECK(interrupted(waiters) == n / 2);
}

TEST_CASE("no waiter runs before the outcome is set [D38]") {
    for (unsigned seed = 1; seed <= coir_test::seeds(); ++seed) {
        test_scheduler s{seed};
        deferred<int> d;
        int early = 0;
        auto const waits = [&]() -> task<> {
            static_cast<void>(co_await d);
            early += d.poll() != nullptr && d.poll()->value() == 9 ? 0 : 1;
        };
        for (int i = 0; i < 4; ++i) {
            s.start(waits);
        }
        auto const work = []() -> task<int> {
            co_await coir::yield();
            co_await coir::sleep_for(1ms);
            co_return 9;
        };
        auto const completer = [&]() -> task<> { co_await d.complete(work); };
        s.run(completer);
        CHECK(early == 0);
    }
}
