// on(scheduler, aw): there and back, and who waits for whom. Races are in stress/foreign_stress.cpp.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/on.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/another_library.hpp"
#include "support/counted.hpp"
#include "support/interrupt_everywhere.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::on;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;
using coir_test::failed;
using coir_test::never_ends;

namespace {

coir::scheduler* where() { return coir::detail::this_worker().current; }

task<coir::scheduler*> tells_where() { co_return where(); }

task<int, failed> fails(int code) {
    co_await coir::fail(failed{code});
    co_return 0;
}

task<int> dies() {
    throw std::runtime_error{"there"};
    co_return 0;
}

// Two test schedulers on one thread, run by turns until neither has anything left to do.
struct pair_of_schedulers {
    test_scheduler here;
    test_scheduler there;

    template <class Fiber>
    void run(Fiber const& f) {
        for (int turn = 0; turn < 100 && f.poll() == nullptr; ++turn) {
            here.run_ready();
            there.run_ready();
        }
    }
    void run_both() {
        for (int turn = 0; turn < 10; ++turn) {
            here.run_ready();
            there.run_ready();
        }
    }
};

// Has its own scheduler's clean-up noted, and takes a while for it.
task<> cleans_up(bool& cleaned, deferred<>& may_end) {
    auto const clean = [&]() -> task<> {
        co_await may_end;
        cleaned = true;
    };
    co_await coir::ensuring(never_ends(), clean);
}

} // namespace

TEST_CASE("on runs what it is given on the other scheduler and comes back") {
    pair_of_schedulers s;
    auto const work = [&]() -> task<std::vector<coir::scheduler*>> {
        std::vector<coir::scheduler*> seen;
        seen.push_back(where());
        seen.push_back(co_await on(s.there, tells_where()));
        seen.push_back(where());
        seen.push_back(co_await (tells_where() | on(s.there)));
        seen.push_back(where());
        co_return seen;
    };
    auto const f = s.here.start(work);
    s.run(f);
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->value() == std::vector<coir::scheduler*>{&s.here, &s.there, &s.here, &s.there, &s.here});
}

TEST_CASE("on the same scheduler it is a plain await") {
    test_scheduler s;
    auto const work = [&]() -> task<bool> {
        auto const before = coir::this_fiber::id();
        auto const same_fiber = [&]() -> task<bool> { co_return coir::this_fiber::id() == before; };
        bool const same = co_await on(s, same_fiber());
        auto const r = co_await coir::as_result(on(s, fails(3)));
        co_return same&& r.error().code == 3 && (co_await coir::as_outcome(on(s, dies()))).is_defect();
    };
    CHECK(s.run(work).value());

    SECTION("which is interrupted as such") {
        auto const f = s.start([&]() -> task<> { co_await on(s, never_ends()); });
        s.run_ready();
        f.request_interrupt();
        s.run_ready();
        CHECK(f.poll()->is_interrupted());
    }
}

TEST_CASE("values, failures, defects and interrupted outcomes come back from there") {
    pair_of_schedulers s;
    counted::reset();
    auto const work = [&]() -> task<> {
        auto const makes = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
        auto const owned = co_await on(s.there, makes());
        CHECK(*owned == 3);
        auto const gives = []() -> task<counted> { co_return counted(4); };
        counted const c = co_await on(s.there, gives());
        CHECK(c.value == 4);
        CHECK(counted::copies() == 0);
        auto const nothing = []() -> task<> { co_return; };
        co_await on(s.there, nothing());
        deferred<int> d;
        d.succeed(5);
        int const copied = co_await on(s.there, d);
        CHECK(copied == 5);
        auto const r = co_await coir::as_result(on(s.there, fails(6)));
        CHECK(r.error().code == 6);
        auto const o = co_await coir::as_outcome(on(s.there, dies()));
        CHECK(o.is_defect());
        bool caught = false;
        try {
            co_await on(s.there, dies());
        } catch (std::runtime_error const&) {
            caught = true;
        }
        CHECK(caught);
        deferred<> interrupted;
        interrupted.interrupt();
        auto const i = co_await coir::as_outcome(on(s.there, interrupted));
        CHECK(i.is_interrupted());
        CHECK(i.interrupted_by() == coir::this_fiber::id());
    };
    auto const f = s.here.start(work);
    s.run(f);
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->is_success());
    CHECK(counted::alive() == 0);
}

TEST_CASE("what is awaited elsewhere is destroyed there, before the await ends") {
    pair_of_schedulers s;
    struct tells {
        ~tells() { *destroyed_on = where(); }
        coir::scheduler** destroyed_on;
    };
    coir::scheduler* destroyed_on = nullptr;
    auto const work = [&]() -> task<bool> {
        auto const holds = [](std::unique_ptr<tells>) -> task<> { co_return; };
        auto argument = std::make_unique<tells>(tells{&destroyed_on});
        destroyed_on = nullptr;
        co_await on(s.there, holds(std::move(argument)));
        co_return destroyed_on == &s.there;
    };
    auto const f = s.here.start(work);
    s.run(f);
    CHECK(f.poll()->value());
}

TEST_CASE("who is interrupted here interrupts there, and waits for the clean-up [I9]") {
    pair_of_schedulers s;
    bool cleaned = false;
    deferred<> may_end;
    auto const f = s.here.start([&]() -> task<> { co_await on(s.there, cleans_up(cleaned, may_end)); });
    s.run_both();
    f.request_interrupt();
    s.run_both();
    CHECK(f.poll() == nullptr);
    CHECK_FALSE(cleaned);
    may_end.succeed();
    s.run_both();
    CHECK(cleaned);
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("a time limit here gives up what runs there [R9]") {
    pair_of_schedulers s;
    bool cleaned = false;
    deferred<> may_end;
    may_end.succeed();
    auto const f = s.here.start(
        [&]() -> task<bool> { co_return co_await coir::timeout(on(s.there, cleans_up(cleaned, may_end)), 1s); });
    s.run_both();
    s.here.advance(2s);
    s.run_both();
    REQUIRE(f.poll() != nullptr);
    CHECK_FALSE(f.poll()->value());
    CHECK(cleaned);
}

TEST_CASE("interrupted before it began, it does not begin there [F4]") {
    pair_of_schedulers s;
    bool begun = false;
    auto const begins = [&]() -> task<> {
        begun = true;
        co_return;
    };
    auto const f = s.here.start([&]() -> task<> { co_await on(s.there, begins()); });
    s.here.run_ready();
    CHECK(s.there.fibers().size() == 1);
    f.request_interrupt();
    s.here.run_ready();
    CHECK(f.poll() == nullptr); // it waits for the fiber, which has only been asked
    s.run_both();
    CHECK(f.poll()->is_interrupted());
    CHECK_FALSE(begun);
}

TEST_CASE("what has completed there is not lost to an interruption [I20]") {
    enum class asked { on_its_way, before_it_was_passed_on, in_its_last_step };
    auto const when = GENERATE(asked::on_its_way, asked::before_it_was_passed_on, asked::in_its_last_step);
    CAPTURE(static_cast<int>(when));
    pair_of_schedulers s;
    int got = 0;
    coir::fiber<> f;
    auto const seven = [&]() -> task<int> {
        if (when == asked::in_its_last_step) {
            f.request_interrupt();
            s.there.fibers().interrupt(coir::fiber_id{});
        }
        co_return 7;
    };
    f = s.here.start([&]() -> task<> {
        got = co_await on(s.there, seven());
        co_await coir::checkpoint();
        got = -1;
    });
    s.here.run_ready();
    if (when == asked::before_it_was_passed_on) {
        f.request_interrupt();
    }
    s.there.run_ready();
    if (when == asked::on_its_way) {
        f.request_interrupt();
    }
    s.run_both();
    CHECK(got == 7);
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("the other scheduler's end interrupts what runs there and waits for it") {
    test_scheduler here;
    bool cleaned = false;
    deferred<> may_end;
    may_end.succeed();
    auto there = std::make_unique<test_scheduler>();
    auto const f = here.start([&]() -> task<bool> {
        auto const o = co_await coir::as_outcome(on(*there, cleans_up(cleaned, may_end)));
        co_return o.is_interrupted() && !coir::this_fiber::interrupt_requested();
    });
    here.run_ready();
    there->run_ready();
    there.reset();
    CHECK(cleaned);
    here.run_ready();
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->value());
}

TEST_CASE("a scheduler that is down refuses: the await ends as interrupted") {
    coir::thread_pool pool{1};
    pool.shutdown();
    bool begun = false;
    auto const begins = [&]() -> task<> {
        begun = true;
        co_return;
    };
    test_scheduler s;
    auto const end = s.run([&]() -> task<bool> {
        auto const o = co_await coir::as_outcome(on(pool, begins()));
        co_return o.is_interrupted();
    });
    CHECK(end.value());
    CHECK_FALSE(begun);
}

TEST_CASE("in a finalizer it is finished though the other scheduler is shut down meanwhile [I14]") {
    test_scheduler here;
    deferred<> go_on;
    int closed = 0;
    auto const closes = [&]() -> task<int> {
        co_await go_on;
        co_await coir::checkpoint();
        closed = 1;
        co_return 8;
    };
    auto there = std::make_unique<test_scheduler>();
    auto const f = here.start([&]() -> task<int> { co_return co_await coir::uninterruptible(on(*there, closes())); });
    here.run_ready();
    there->run_ready();
    there->fibers().interrupt(coir::fiber_id{});
    there->run_ready();
    CHECK(closed == 0);
    go_on.succeed();
    there->run_ready();
    here.run_ready();
    CHECK(closed == 1);
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->value() == 8);
}

TEST_CASE("what finalizers throw there is suppressed here [I15]") {
    pair_of_schedulers s;
    auto const throwing = [&]() -> task<int, failed> {
        auto const bad = []() -> task<> {
            throw std::runtime_error{"while cleaning up"};
            co_return;
        };
        co_return co_await coir::ensuring(fails(1), bad);
    };
    auto const f = s.here.start([&]() -> task<int, failed> { co_return co_await on(s.there, throwing()); });
    s.run(f);
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->is_failure());
    CHECK(f.poll()->suppressed().size() == 1);
}

TEST_CASE("to and fro between a run_loop, a pool and another library's coroutines") {
    coir::thread_pool pool{2};
    coir::run_loop loop;
    std::thread::id const here = std::this_thread::get_id();
    auto const other = [](int n) -> another::lazy<int> { co_return n; };
    auto const thread = []() -> task<std::thread::id> { co_return std::this_thread::get_id(); };
    auto const work = [&]() -> task<bool> {
        bool as_expected = true;
        for (int i = 0; i < 100; ++i) {
            as_expected = as_expected && co_await on(pool, thread()) != here;
            as_expected = as_expected && std::this_thread::get_id() == here;
            as_expected = as_expected && co_await on(pool, other(i)) == i;
            as_expected = as_expected && co_await on(pool, on(loop, thread())) == here;
        }
        auto const [a, b] = co_await coir::when_all(on(pool, thread()), thread());
        co_return as_expected&& a != here&& b == here;
    };
    CHECK(loop.run(work).value());
}

TEST_CASE("interrupted at every call of either scheduler, nothing is left behind [I1]") {
    std::uint64_t moments = 0;
    for (bool asked = true; asked; ++moments) {
        INFO("interrupted at call " << moments);
        coir_test::ledger books;
        coir_test::meddling_scheduler here;
        coir_test::meddling_scheduler there;
        auto const sleeps = [&]() -> task<int> {
            coir_test::ledger::local const open{books};
            co_await books.guarded(coir::sleep_for(1ms));
            co_return 1;
        };
        auto const work = [&]() -> task<> {
            coir_test::ledger::local const open{books};
            co_await books.guarded(on(there, sleeps()));
            co_await coir::timeout(on(there, books.guarded(coir::sleep_for(1h))), 1ms);
            auto const masked = [&]() -> task<> { static_cast<void>(co_await on(there, sleeps())); };
            co_await coir::ensuring(coir::sleep_for(1ms), masked);
        };
        auto const f = here.start(work);
        asked = false;
        std::uint64_t calls = 0;
        auto const ask = [&] {
            asked = f.poll() == nullptr;
            f.request_interrupt();
        };
        // The two count together: each is asked at its share of the calls.
        (moments % 2 == 0 ? here : there).at_call(moments / 2, ask);
        for (; f.poll() == nullptr && calls < 1000; ++calls) {
            here.advance(1ms);
            there.advance(1ms);
        }
        here.at_call(0, nullptr);
        there.at_call(0, nullptr);
        REQUIRE(f.poll() != nullptr);
        CHECK(books.opened() == books.closed());
        CHECK(there.fibers().size() == 0);
        asked = asked || moments < 20;
    }
    CHECK(moments > 20);
}
