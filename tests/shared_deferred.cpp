// Shared ownership of a deferred, and its writing and reading halves.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using coir::deferred;
using coir::outcome;
using coir::task;
using coir::test_scheduler;

namespace {

using cell = deferred<int, std::string>;
using completer = coir::deferred_completer<int, std::string>;
using view = coir::deferred_view<int, std::string>;

template <class D>
concept completes = requires(D d) { d.succeed(1); } || requires(D d) { d.fail("no"); } ||
                    requires(D d) { d.interrupt(); } || requires(D d) { d.die(std::exception_ptr{}); } ||
                    requires(D d) { d.done(outcome<int, std::string>::success(1)); } ||
                    requires(D d) { d.complete(task<int>{std::declval<task<int>>()}); } || requires(D d) { d.take(); };

template <class D>
concept reads = coir::awaitable<D> || requires(D d) { d.poll(); } || requires(D d) { d.wait(); };

// Runs `work` to its end, interrupted or not.
template <class Work>
task<> masked(Work work) {
    co_await coir::uninterruptible(work());
}

} // namespace

TEST_CASE("a view cannot complete, a completer cannot read [D35]") {
    STATIC_REQUIRE(completes<cell&>);
    STATIC_REQUIRE(completes<completer>);
    STATIC_REQUIRE_FALSE(completes<view>);
    STATIC_REQUIRE(reads<view>);
    STATIC_REQUIRE_FALSE(reads<completer>);
    STATIC_REQUIRE_FALSE(std::constructible_from<completer, view>);
    STATIC_REQUIRE_FALSE(std::convertible_to<view, coir::shared_deferred<int, std::string>>);
}

TEST_CASE("the halves reach the same deferred, and keep it [D31 D35]") {
    auto both = coir::make_deferred<int, std::string>();
    auto to = std::make_unique<completer>(coir::completer_of(both));
    view const from = coir::view_of(both);
    both = coir::make_deferred<int, std::string>(); // the halves hold the first one
    auto const root = [&]() -> task<int, std::string> {
        auto const complete = [&]() -> task<> {
            co_await coir::sleep_for(1s);
            to->succeed(5);
            to.reset();
        };
        coir::fork(complete);
        co_return co_await from;
    };
    CHECK(from.poll() == nullptr);
    CHECK(test_scheduler{}.run(root).value() == 5);
    CHECK(from.is_done());
    CHECK(from.poll()->value() == 5);
    CHECK(from.wait_for(0s));
}

TEST_CASE("each way to complete through a completer [D2 D35]") {
    auto const end_of = [](auto complete) {
        auto const d = coir::make_deferred<int, std::string>();
        completer const to = coir::completer_of(d);
        CHECK(complete(to));
        CHECK_FALSE(to.succeed(99));
        CHECK(to.is_done());
        return *d->poll();
    };
    CHECK(end_of([](completer const& c) { return c.succeed(1); }).value() == 1);
    CHECK(end_of([](completer const& c) { return c.fail("no"); }).error() == "no");
    CHECK(end_of([](completer const& c) { return c.die(std::make_exception_ptr(1)); }).is_defect());
    CHECK(end_of([](completer const& c) { return c.interrupt(); }).is_interrupted());
    auto const three = outcome<int, std::string>::success(3);
    CHECK(end_of([&](completer const& c) { return c.done(three); }).value() == 3);
}

TEST_CASE("complete through a completer keeps the deferred while the work runs [D5 D31]") {
    auto const root = []() -> task<bool> {
        auto d = coir::make_deferred<int>();
        std::weak_ptr<deferred<int>> const watch = d.get_state();
        auto run = coir::completer_of(d).complete([]() -> task<int> {
            co_await coir::sleep_for(1s);
            co_return 1;
        });
        d = coir::make_deferred<int>();
        bool const won = co_await std::move(run);
        co_return won;
    };
    CHECK(test_scheduler{}.run(root).value());
}

TEST_CASE("the halves of a deferred that lives elsewhere [D35]") {
    cell d;
    auto const to = coir::completer_of(d);
    auto const from = coir::view_of(std::as_const(d));
    int seen = 0;
    auto const r = from.on_done([&](outcome<int, std::string> const& end) noexcept { seen = end.value(); });
    CHECK(from.waiter_count() == 1);
    CHECK(to.succeed(2));
    CHECK(seen == 2);
    CHECK(d.is_done());
}

TEST_CASE("a registration made through a view holds the deferred") {
    auto d = std::make_unique<coir::shared_deferred<int>>();
    std::weak_ptr<deferred<int>> const watch = d->get_state();
    {
        auto const r = coir::view_of(*d).on_done([](outcome<int> const&) noexcept {});
        d.reset();
        CHECK_FALSE(watch.expired());
    }
    CHECK(watch.expired());
}

TEST_CASE("a deferred attached to a scope is interrupted when the scope closes [D36]") {
    cell d;
    coir::shared_deferred<int> shared;
    auto const root = [&]() -> task<bool> {
        auto const body = [&](coir::scope<>& s) -> task<> {
            shared = coir::make_deferred<int>(s);
            auto const child = [&]() -> task<> {
                co_await coir::sleep_for(1s); // a scope that ends normally awaits its children first
                CHECK_FALSE(shared->is_done());
            };
            s.fork(child);
            co_return;
        };
        auto const waits = [&]() -> task<int> { co_return co_await shared; };
        co_await coir::with_scope(body);
        auto const end = co_await coir::as_outcome(waits());
        co_return end.is_interrupted();
    };
    CHECK(test_scheduler{}.run(root).value());
}

TEST_CASE("an attached deferred that was completed, or detached, is left alone [D36]") {
    deferred<int> detached;
    deferred<int> completed;
    auto const root = [&]() -> task<> {
        auto const body = [&](coir::scope<>& s) -> task<> {
            auto const a = s.attach(completed);
            completed.succeed(1);
            {
                auto const b = s.attach(detached);
            }
            co_await coir::yield();
        };
        co_await coir::with_scope(body);
    };
    CHECK(test_scheduler{}.run(root).is_success());
    CHECK_FALSE(detached.is_done());
    CHECK(completed.poll()->value() == 1);
}

TEST_CASE("when a scope fails or is interrupted, its deferreds end at once, so that masked waits do too [D36]") {
    bool const fails = GENERATE(true, false);
    std::string seen;
    auto const root = [&]() -> task<> {
        auto const work = [&]() -> task<void, std::string> {
            auto const body = [&](coir::scope<std::string>& s) -> task<void, std::string> {
                auto const d = coir::make_deferred<int>(s);
                auto const looks = [&seen, d]() -> task<> {
                    auto const end = co_await coir::as_outcome(d);
                    seen = end.is_interrupted() ? "interrupted" : "something else";
                };
                s.fork(masked(looks));
                co_await coir::sleep_for(1s);
                if (fails) {
                    co_await coir::fail("no");
                }
                co_await coir::sleep_for(1h);
            };
            co_await coir::with_scope<std::string>(body);
        };
        auto const running = coir::fork(work);
        co_await coir::sleep_for(2s);
        auto const& end = co_await running.interrupt();
        CHECK(end.is_failure() == fails);
    };
    CHECK(test_scheduler{}.run(root).is_success());
    CHECK(seen == "interrupted");
}

TEST_CASE("a scope interrupted while it awaits its children ends its deferreds [D36]") {
    bool interrupted = false;
    auto const root = [&]() -> task<> {
        auto const work = [&]() -> task<> {
            auto const body = [&](coir::scope<>& s) -> task<> {
                auto const d = coir::make_deferred<int>(s);
                auto const looks = [&interrupted, d]() -> task<> {
                    auto const end = co_await coir::as_outcome(d);
                    interrupted = end.is_interrupted();
                };
                s.fork(masked(looks));
                co_return;
            };
            co_await coir::with_scope(body);
        };
        auto const running = coir::fork(work);
        co_await coir::sleep_for(1s);
        co_await running.interrupt();
    };
    CHECK(test_scheduler{}.run(root).is_success());
    CHECK(interrupted);
}

TEST_CASE("who awaits by a handle that is gone afterwards gets a copy [D8]") {
    auto const root = []() -> task<> {
        auto const made = [] {
            auto const d = coir::make_deferred<std::string>();
            d->succeed(std::string(100, 'x'));
            return d;
        };
        auto const& value = co_await made();
        auto const& seen = co_await coir::view_of(made());
        CHECK(value == std::string(100, 'x'));
        CHECK(seen == value);
        auto const kept = made();
        auto const& one = co_await kept;
        auto const& other = co_await kept;
        CHECK(&one == &other);
    };
    CHECK(test_scheduler{}.run(root).is_success());
}
