// Scenarios on two schedulers that are interrupted at each call of either: what was begun there is
// cleaned up there, before the fiber that awaits it goes on here.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/on.hpp>
#include <coir/scope.hpp>
#include <coir/time.hpp>

#include "conformance/interrupted_scenes.hpp"
#include "support/interrupt_everywhere_on.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>

using namespace coir_test::interrupted_scenes;
using coir::on;
using coir::scheduler;
using coir_test::interrupt_everywhere_on;

TEST_CASE("interrupted everywhere: on another scheduler, ready at once, later, or never [I1, I2]") {
    CHECK(interrupt_everywhere_on([](ledger& books, scheduler& there) -> task<> {
              ledger::local const here{books};
              co_await on(there, value_after(books, 0ms, 1));
              co_await on(there, books.guarded(coir::sleep_for(2ms)));
              co_await books.guarded(on(there, value_after(books, 1ms, 2)));
              co_await coir::timeout(on(there, never_ends(books)), 2ms);
          }) > 40);
}

TEST_CASE("interrupted everywhere: there and back, and there again [I1]") {
    CHECK(interrupt_everywhere_on([](ledger& books, scheduler& there) -> task<> {
              auto const far = [](ledger& b, scheduler& back) -> task<int> {
                  ledger::local const here{b};
                  co_await b.guarded(coir::yield());
                  co_return co_await on(back, value_after(b, 1ms, 3));
              };
              scheduler& home = *coir::detail::this_worker().current;
              co_await on(there, far(books, home));
              co_await on(there, on(home, books.guarded(coir::sleep_for(1ms))));
          }) > 40);
}

TEST_CASE("interrupted everywhere: on another scheduler in groups and scopes [R6, R15]") {
    CHECK(interrupt_everywhere_on([](ledger& books, scheduler& there) -> task<> {
              co_await coir::when_all(on(there, value_after(books, 1ms, 1)), value_after(books, 2ms, 2));
              co_await coir::race(on(there, never_ends(books)), books.guarded(coir::sleep_for(1ms)));
              auto const body = [&](coir::scope<>& s) -> task<> {
                  auto const child = [](ledger& b, scheduler& to) -> task<> {
                      co_await on(to, b.guarded(coir::sleep_for(1ms)));
                  };
                  s.fork(child, std::ref(books), std::ref(there));
                  co_await on(there, value_after(books, 2ms, 3));
              };
              co_await coir::with_scope(body);
          }) > 40);
}

TEST_CASE("interrupted everywhere: children forked on another scheduler go with what runs there [F5]") {
    CHECK(interrupt_everywhere_on([](ledger& books, scheduler& there) -> task<> {
              auto const forks = [](ledger& b) -> task<> {
                  coir::fork(never_ends, std::ref(b));
                  co_await b.guarded(coir::sleep_for(1ms));
              };
              co_await on(there, forks(books));
          }) > 20);
}

TEST_CASE("interrupted everywhere: masks and finalizers reach over to another scheduler [I3]") {
    CHECK(interrupt_everywhere_on([](ledger& books, scheduler& there) -> task<> {
              bool finished = false;
              auto const takes_a_while = [](bool& end) -> task<> {
                  co_await coir::sleep_for(1ms);
                  end = true;
              };
              co_await coir::uninterruptible(on(there, takes_a_while(finished)));
              CHECK(finished);
              auto const closes = [&]() -> task<> {
                  ledger::local const here{books};
                  co_await on(there, value_after(books, 1ms, 1));
              };
              co_await coir::ensuring(coir::sleep_for(2ms), closes);
          }) > 20);
}

TEST_CASE("interrupted everywhere: what fails on another scheduler, and what is completed from there [I2, D12]") {
    CHECK(interrupt_everywhere_on([](ledger& books, scheduler& there) -> task<> {
              co_await coir::as_result(on(there, fails_after(books, 1ms)));
              auto d = std::make_shared<deferred<int>>();
              auto const completes = [](std::shared_ptr<deferred<int>> to) -> task<> {
                  co_await coir::sleep_for(1ms);
                  to->succeed(1);
              };
              auto const sends = [](scheduler& to, coir::task<> work) -> task<> { co_await on(to, std::move(work)); };
              coir::fork(sends, std::ref(there), completes(d));
              co_await books.guarded(*d);
              co_await on(there, books.guarded(*d));
          }) > 20);
}
