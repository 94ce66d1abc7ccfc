// A deferred completed with how to get the value.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using coir::deferred_recipe;
using coir::outcome;
using coir::task;
using coir::test_scheduler;

namespace {

using recipe = deferred_recipe<int, std::string>;
using end_of_recipe = outcome<int, std::string>;

end_of_recipe await_now(recipe& r) {
    auto const see = [&]() -> task<end_of_recipe> { co_return co_await coir::as_outcome(r); };
    return test_scheduler{}.run(see).value();
}

} // namespace

TEST_CASE("a recipe does not run when it is stored, and runs for each await [D7]") {
    recipe r;
    int runs = 0;
    auto const next = [&]() -> task<int, std::string> { co_return ++runs; };
    CHECK(r.complete_with(next));
    CHECK(runs == 0);
    CHECK(r.is_done());
    CHECK(await_now(r).value() == 1);
    CHECK(await_now(r).value() == 2);
    CHECK(runs == 2);
}

TEST_CASE("whoever waits for a recipe runs it when it comes, in its own fiber [D7]") {
    recipe r;
    int runs = 0;
    auto const root = [&]() -> task<std::pair<int, int>, std::string> {
        auto const waits = [&]() -> task<int, std::string> { co_return co_await r; };
        auto const a = coir::fork(waits);
        auto const b = coir::fork(waits);
        co_await coir::sleep_for(1s);
        auto const slow = [&]() -> task<int> {
            int const mine = ++runs;
            co_await coir::sleep_for(1s);
            co_return mine;
        };
        r.complete_with(slow);
        int const first = co_await a;
        int const second = co_await b;
        co_return std::pair{first, second};
    };
    test_scheduler scheduler;
    auto const before = scheduler.now();
    CHECK(scheduler.run(root).value() == std::pair{1, 2});
    CHECK(scheduler.now() - before == 2s);
}

TEST_CASE("the first to complete a recipe wins, and a loser's factory is untouched [D2]") {
    recipe r;
    auto const mine = std::make_shared<int>(5);
    CHECK(r.succeed(1));
    auto factory = [mine]() -> task<int> { co_return *mine; };
    CHECK_FALSE(r.complete_with(std::move(factory)));
    CHECK(mine.use_count() == 2);
    CHECK_FALSE(r.succeed(2));
    CHECK_FALSE(r.fail("late"));
    CHECK_FALSE(r.die(std::make_exception_ptr(1)));
    CHECK_FALSE(r.interrupt());
    CHECK_FALSE(r.done(end_of_recipe::success(3)));
    auto late = end_of_recipe::failure("a text that is long enough to be moved from");
    CHECK_FALSE(r.done(std::move(late)));
    CHECK(late.error() == "a text that is long enough to be moved from");
    CHECK(await_now(r).value() == 1);
}

TEST_CASE("a recipe takes the completers of a deferred [D4 D11 D25]") {
    auto const end_of = [](auto complete) {
        recipe r;
        complete(r);
        end_of_recipe const once = await_now(r);
        CHECK(await_now(r) == once);
        return once;
    };
    CHECK(end_of([](recipe& r) { r.succeed(4); }).value() == 4);
    CHECK(end_of([](recipe& r) { r.fail("no"); }).error() == "no");
    CHECK(end_of([](recipe& r) { r.die(std::make_exception_ptr(1)); }).is_defect());
    CHECK(end_of([](recipe& r) { r.interrupt(); }).is_interrupted());
    CHECK(end_of([](recipe& r) { r.done(end_of_recipe::success(6)); }).value() == 6);
    CHECK(end_of([](recipe& r) { r.done(end_of_recipe::failure("x")); }).error() == "x");
    CHECK(end_of([](recipe& r) { r.done(end_of_recipe::interrupted(coir::fiber_id{3})); }).interrupted_by().value == 3);
}

TEST_CASE("a recipe keeps a copy of a factory that stays with the caller [D7]") {
    auto const factory = [kept = std::make_shared<int>(3)]() -> task<int> { co_return *kept; };
    test_scheduler scheduler;
    recipe r;
    CHECK(r.complete_with(factory));
    auto const read = [&]() -> task<int, std::string> { co_return co_await r + co_await r; };
    CHECK(scheduler.run(read).value() == 6);
}

TEST_CASE("complete runs the work once for a recipe and stores its end [D5 D6 D9]") {
    recipe r;
    int runs = 0;
    auto const root = [&]() -> task<int, std::string> {
        auto const work = [&]() -> task<int> { co_return ++runs * 10; };
        bool const first = co_await r.complete(work);
        bool const second = co_await r.complete(work);
        int const a = co_await r;
        int const b = co_await r;
        co_return first && !second && a == b ? a : 0;
    };
    CHECK(test_scheduler{}.run(root).value() == 10);
    CHECK(runs == 1);
}

TEST_CASE("failures and exceptions of a recipe are those of its await, also of the factory itself") {
    recipe fails;
    auto const no = []() -> task<int, std::string> { co_return coir::fail("no"); };
    fails.complete_with(no);
    CHECK(await_now(fails).error() == "no");
    recipe throws;
    auto const bad = []() -> task<int> {
        throw std::runtime_error{"before any task"};
        co_return 0;
    };
    throws.complete_with(bad);
    CHECK(await_now(throws).is_defect());
    recipe makes_none;
    auto const none = []() -> task<int> { throw std::runtime_error{"no task"}; };
    makes_none.complete_with(none);
    CHECK(await_now(makes_none).is_defect());
}

TEST_CASE("an awaiter that is interrupted stops its own run of the recipe only [D16 D17]") {
    recipe r;
    int stopped = 0;
    auto const root = [&]() -> task<bool, std::string> {
        auto const slow = [&]() -> task<int> {
            auto const count = [&](coir::fiber_id) -> task<> {
                ++stopped;
                co_return;
            };
            co_await coir::on_interrupt(coir::sleep_for(10s), count);
            co_return 1;
        };
        r.complete_with(slow);
        auto const waits = [&]() -> task<int, std::string> { co_return co_await r; };
        auto const a = coir::fork(waits);
        auto const b = coir::fork(waits);
        co_await coir::sleep_for(1s);
        auto const& end = co_await a.interrupt();
        int const other = co_await b;
        co_return end.is_interrupted() && other == 1;
    };
    CHECK(test_scheduler{}.run(root).value());
    CHECK(stopped == 1);
}

TEST_CASE("a recipe of what only moves gives each awaiter its own [D29 D30]") {
    deferred_recipe<std::unique_ptr<int>> r;
    auto const make = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(8); };
    r.complete_with(make);
    auto const root = [&]() -> task<bool> {
        std::unique_ptr<int> const a = co_await r;
        std::unique_ptr<int> const b = co_await r;
        co_return a != b && *a == *b;
    };
    CHECK(test_scheduler{}.run(root).value());
}

TEST_CASE("a recipe of nothing is a piece of work for each awaiter [D29]") {
    deferred_recipe<> r;
    int runs = 0;
    auto const count = [&]() -> task<> {
        ++runs;
        co_return;
    };
    r.complete_with(count);
    auto const root = [&]() -> task<> {
        co_await r;
        co_await r;
    };
    CHECK(test_scheduler{}.run(root).is_success());
    CHECK(runs == 2);
}
