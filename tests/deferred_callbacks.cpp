// Callbacks on a deferred, and the registrations that hold them.
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/sync_wait.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::outcome;
using coir::task;

namespace {

using cell = deferred<int, std::string>;
using end_of_cell = outcome<int, std::string>;

// A registration that can be destroyed at will.
template <class F>
struct holder {
    template <class D>
    holder(D& d, F f) : link{d.on_done(std::move(f))} {}
    coir::registration<coir::detail::outcome_callback<int, std::string, F, coir::unit>> link;
};

} // namespace

TEST_CASE("a callback is called once, when the deferred is completed") {
    cell d;
    std::vector<end_of_cell> seen;
    auto const r = d.on_done([&](end_of_cell const& end) noexcept { seen.push_back(end); });
    CHECK(seen.empty());
    CHECK(d.waiter_count() == 1);
    CHECK(d.succeed(4));
    CHECK_FALSE(d.succeed(5));
    CHECK(seen == std::vector{end_of_cell::success(4)});
}

TEST_CASE("a callback sees each kind of end [D4 D11 D25]") {
    auto const end_of = [](auto complete) {
        cell d;
        std::optional<end_of_cell> seen;
        auto const r = d.on_done([&](end_of_cell const& end) noexcept { seen.emplace(end); });
        complete(d);
        return seen.value();
    };
    CHECK(end_of([](cell& d) { d.fail("no"); }).error() == "no");
    CHECK(end_of([](cell& d) { d.die(std::make_exception_ptr(std::runtime_error{"bad"})); }).is_defect());
    CHECK(end_of([](cell& d) { d.interrupt(); }).is_interrupted());
    CHECK(end_of([](cell& d) { d.done(end_of_cell::success(3)); }).value() == 3);
}

TEST_CASE("on a done deferred a callback is called at once") {
    cell d;
    d.succeed(7);
    int seen = 0;
    auto const r = d.on_done([&](end_of_cell const& end) noexcept { seen = end.value(); });
    CHECK(seen == 7);
}

TEST_CASE("a callback whose registration is gone is not called [D16]") {
    cell d;
    bool called = false;
    {
        auto const r = d.on_done([&](end_of_cell const&) noexcept { called = true; });
    }
    CHECK(d.waiter_count() == 0);
    d.succeed(1);
    CHECK_FALSE(called);
}

TEST_CASE("callbacks run in the order of their coming, after all waiters were woken [D13]") {
    coir::test_scheduler scheduler;
    std::string order;
    cell d;
    auto const first = d.on_done([&](end_of_cell const&) noexcept { order += d.is_done() ? "1" : "early"; });
    auto const root = [&]() -> task<> {
        auto const waits = [&]() -> task<int, std::string> { co_return co_await d; };
        auto const waiter = coir::fork(waits);
        co_await coir::yield();
        auto const second = d.on_done([&](end_of_cell const&) noexcept {
            order += "2";
            order += d.waiter_count() == 0 ? "" : "not woken";
        });
        d.succeed(1);
        order += "c";
        co_await waiter.await();
    };
    CHECK(scheduler.run(root).is_success());
    CHECK(order == "12c");
}

TEST_CASE("a callback drops its own registration, and others that are still to come [F25]") {
    cell d;
    std::string called;
    auto const noted = [&](char c) { return [&called, c](end_of_cell const&) noexcept { called += c; }; };
    using plain = holder<decltype(noted('x'))>;
    std::optional<plain> before, after;
    struct drops {
        std::optional<plain>* before;
        std::optional<plain>* after;
        std::unique_ptr<holder<drops>>* mine;
        std::string* called;
        void operator()(end_of_cell const&) noexcept {
            *called += 'd';
            before->reset(); // has run
            after->reset();  // never will
            mine->reset();   // runs just now; nothing of this object is used after it
        }
    };
    std::unique_ptr<holder<drops>> mine;
    before.emplace(d, noted('b'));
    mine = std::make_unique<holder<drops>>(d, drops{&before, &after, &mine, &called});
    after.emplace(d, noted('a'));
    plain const last{d, noted('l')};
    d.succeed(1);
    CHECK(called == "bdl");
}

TEST_CASE("a callback completes another deferred, whose callback drops the outer one") {
    cell outer;
    cell inner;
    int calls = 0;
    struct completes {
        cell* next;
        int* calls;
        void operator()(end_of_cell const&) noexcept {
            int* const counter = calls; // this object is gone after the next line
            next->succeed(2);
            ++*counter;
        }
    };
    auto first = std::make_unique<holder<completes>>(outer, completes{&inner, &calls});
    auto const second = inner.on_done([&](end_of_cell const&) noexcept {
        ++calls;
        first.reset();
    });
    outer.succeed(1);
    CHECK(calls == 2);
    CHECK(first == nullptr);
}

TEST_CASE("a callback waits for the deferred, or registers another one, while it runs [D20]") {
    cell d;
    std::vector<int> seen;
    auto const r = d.on_done([&](end_of_cell const&) noexcept {
        seen.push_back(1);
        auto const again = d.on_done([&](end_of_cell const&) noexcept { seen.push_back(2); });
        d.wait();
        seen.push_back(3);
    });
    d.succeed(1);
    CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("the end of an unfinished deferred is an interrupted one for its callbacks [D32]") {
    std::optional<cell> d{std::in_place};
    bool interrupted = false;
    auto const r = d->on_done([&](end_of_cell const& end) noexcept { interrupted = end.is_interrupted(); });
    d.reset();
    CHECK(interrupted);
}

TEST_CASE("a callback of an unfinished deferred is called as that of a finished one is [D32]") {
    struct overloaded {
        std::string* seen;
        void operator()(end_of_cell const& end) const noexcept { *seen += end.is_interrupted() ? "shown" : "ended"; }
        void operator()(end_of_cell&&) const noexcept { *seen += "moved"; }
    };
    std::string seen;
    auto d = std::make_unique<cell>();
    auto const r = d->on_done(overloaded{&seen});
    d.reset();
    CHECK(seen == "shown");
}

TEST_CASE("the destructor of a registration waits while its callback runs on another thread") {
    deferred<> d;
    std::atomic<int> stage{0};
    std::optional<std::thread> completer;
    {
        auto const r = d.on_done([&](outcome<> const&) noexcept {
            stage = 1;
            std::this_thread::sleep_for(20ms);
            stage = 2;
        });
        completer.emplace([&] { d.succeed(); });
        while (stage == 0) {
            std::this_thread::yield();
        }
    }
    CHECK(stage == 2);
    completer->join();
}

TEST_CASE("a registration that waits behind another's callback is dropped without waiting for it") {
    deferred<> d;
    std::atomic<bool> inside{false};
    std::atomic<bool> dropped{false};
    bool second_called = false;
    auto const first = d.on_done([&](outcome<> const&) noexcept {
        inside = true;
        while (!dropped) { // a destructor that waited for this callback would hang here
            std::this_thread::yield();
        }
    });
    std::thread completer;
    {
        auto const second = d.on_done([&](outcome<> const&) noexcept { second_called = true; });
        completer = std::thread{[&] { d.succeed(); }};
        while (!inside) {
            std::this_thread::yield();
        }
    }
    dropped = true;
    completer.join();
    CHECK_FALSE(second_called);
}

TEST_CASE("a callback's captures are destroyed with the registration, once") {
    auto const kept = std::make_shared<int>(1);
    {
        deferred<> d;
        auto const r = d.on_done([kept](outcome<> const&) noexcept {});
        CHECK(kept.use_count() == 2);
        d.succeed();
        CHECK(kept.use_count() == 2);
    }
    CHECK(kept.use_count() == 1);
}

TEST_CASE("registrations come and go on all threads while the deferred is completed [D17]") {
    constexpr int rounds = 300;
    std::atomic<int> late{0};
    for (int i = 0; i < rounds; ++i) {
        deferred<int> d;
        std::atomic<int> ready{0};
        std::atomic<bool> go{false};
        auto const comes_and_goes = [&] {
            ++ready;
            while (!go) {
                std::this_thread::yield();
            }
            for (int n = 0; n < 20; ++n) {
                bool alive = true;
                std::atomic<int> calls{0};
                {
                    auto const r = d.on_done(
                        [&](outcome<int> const& end) noexcept { calls += alive && end.value() == 9 ? 1 : 100; });
                }
                alive = false;
                if (calls > 1) {
                    ++late;
                }
            }
        };
        std::thread a{comes_and_goes};
        std::thread b{comes_and_goes};
        while (ready != 2) {
            std::this_thread::yield();
        }
        go = true;
        d.succeed(9);
        a.join();
        b.join();
    }
    CHECK(late == 0);
}
