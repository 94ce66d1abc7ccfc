// Scenarios that are interrupted at each of their moments: whatever was begun is cleaned up once,
// nothing is left over, and the fiber ends.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/time.hpp>

#include "conformance/interrupted_scenes.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

using namespace coir_test::interrupted_scenes;
using coir::scope;

TEST_CASE("interrupted everywhere: sleep, yield and checkpoint [I1, I2]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              ledger::local const here{books};
              co_await coir::sleep_for(1ms);
              co_await coir::yield();
              co_await coir::checkpoint();
              co_await books.guarded(coir::sleep_for(2ms));
          }) > 5);
}

TEST_CASE("interrupted everywhere: waiting for a deferred that another fiber completes [I1, D17]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto d = std::make_shared<deferred<int>>();
              auto const completer = [](std::shared_ptr<deferred<int>> to) -> task<> {
                  co_await coir::sleep_for(1ms);
                  to->succeed(3);
              };
              coir::fork(completer, d);
              co_await books.guarded(*d);
              CHECK(d->waiter_count() == 0);
              co_await coir::yield();
          }) > 5);
}

TEST_CASE("interrupted everywhere: completing a deferred with work [D10]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto d = std::make_shared<deferred<int>>();
              auto const waiter = [](ledger& b, std::shared_ptr<deferred<int>> from) -> task<> {
                  static_cast<void>(co_await b.guarded(coir::as_outcome(*from)));
              };
              coir::fork(waiter, std::ref(books), d);
              co_await coir::yield();
              co_await d->complete(value_after(books, 1ms, 4));
              co_await coir::yield();
          }) > 5);
}

TEST_CASE("interrupted everywhere: timeouts that expire, that do not, and nested ones [R9, R11]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              co_await coir::timeout(books.guarded(coir::sleep_for(1h)), 1ms);
              co_await coir::timeout(value_after(books, 1ms, 1), 1ms);
              co_await coir::timeout(value_after(books, 1ms, 1), 1h);
              co_await coir::timeout(coir::timeout(books.guarded(coir::sleep_for(1h)), 2ms), 2ms);
              co_await coir::timeout(coir::timeout(books.guarded(never_ends(books)), 1ms), 1h);
          }) > 10);
}

TEST_CASE("interrupted everywhere: interrupt_when and its signal [X1]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              deferred<> stop;
              auto const firing = [](deferred<>& s) -> task<> {
                  co_await coir::sleep_for(2ms);
                  s.succeed();
              };
              coir::fork(firing, std::ref(stop));
              co_await coir::interrupt_when(value_after(books, 1ms, 1), stop);
              co_await coir::interrupt_when(books.guarded(never_ends(books)), stop);
              co_await coir::interrupt_when(never_ends(books), stop);
          }) > 10);
}

TEST_CASE("interrupted everywhere: a signal that completes what it limits [X1, D17]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              deferred<> stop;
              auto const firing = [](deferred<>& s) -> task<> {
                  co_await coir::yield();
                  s.succeed();
              };
              coir::fork(firing, std::ref(stop));
              co_await coir::interrupt_when(books.guarded(stop), stop);
          }) > 5);
}

TEST_CASE("interrupted everywhere: a signal that is destroyed [D32]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto stop = std::make_unique<deferred<>>();
              auto& signal = *stop;
              auto destroying = [held = std::move(stop)]() mutable -> task<> {
                  co_await coir::uninterruptible(coir::sleep_for(1ms));
                  held.reset();
              };
              auto const f = coir::fork_daemon(coir::moved(destroying));
              auto const limited = [](ledger& b, deferred<>& s) -> task<> {
                  co_await coir::interrupt_when(never_ends(b), s);
              };
              static_cast<void>(co_await coir::as_outcome(limited(books, signal)));
              co_await coir::uninterruptible(f.await());
          }) > 5);
}

TEST_CASE("interrupted everywhere: fork, join and await [F1, F5, F6]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto const a = coir::fork(value_after, std::ref(books), 1ms, 1);
              coir::fork(never_ends, std::ref(books));
              auto const nested = [](ledger& b) -> task<> {
                  coir::fork(never_ends, std::ref(b));
                  co_await b.guarded(coir::sleep_for(3ms));
              };
              auto b = coir::fork(nested, std::ref(books));
              co_await a;
              co_await books.guarded(b.await());
              auto const c = coir::fork(never_ends, std::ref(books));
              co_await coir::yield();
              co_await c.interrupt();
          }) > 15);
}

TEST_CASE("interrupted everywhere: when_all that succeeds and that fails [R14, R15]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              co_await coir::when_all(value_after(books, 2ms, 1), books.guarded(coir::sleep_for(1ms)),
                                      value_after(books, 1ms, 2));
              auto const failing = [](ledger& b) -> task<int, failed> {
                  co_await coir::when_all(never_ends(b), fails_after(b, 1ms), b.guarded(never_ends(b)));
                  co_return 0;
              };
              static_cast<void>(co_await coir::as_result(failing(books)));
              std::vector<task<int>> many;
              for (int i = 0; i < 3; ++i) {
                  many.push_back(value_after(books, 1ms * i, i));
              }
              co_await coir::when_all(std::move(many));
          }) > 20);
}

TEST_CASE("interrupted everywhere: race and when_any [R1, R2, R6]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              co_await coir::race(value_after(books, 1ms, 1), books.guarded(value_after(books, 1h, 2)));
              auto const failing = [](ledger& b) -> task<int, failed> {
                  co_return co_await coir::race(fails_after(b, 1ms), value_after(b, 2ms, 2), fails_after(b, 1h));
              };
              static_cast<void>(co_await coir::as_result(failing(books)));
              co_await coir::when_any(never_ends(books), books.guarded(coir::sleep_for(1ms)));
              co_await coir::timeout(coir::race(never_ends(books), never_ends(books)), 1ms);
          }) > 20);
}

TEST_CASE("interrupted everywhere: a scope with children and finalizers [I23, R7]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto body = [&books](scope<>& s) -> task<int> {
                  s.add_finalizer(books.finalizer());
                  s.fork(value_after, std::ref(books), 2ms, 1);
                  s.fork([&books, &s]() -> task<> {
                      ledger::local const here{books};
                      s.add_finalizer(books.finalizer());
                      co_await coir::uninterruptible(coir::sleep_for(3ms));
                      s.fork(value_after, std::ref(books), 1ms, 1);
                  });
                  co_await coir::sleep_for(1ms);
                  co_return 5;
              };
              co_await coir::with_scope(body);
              co_await coir::timeout(coir::with_scope(body), 2ms);
          }) > 20);
}

TEST_CASE("interrupted everywhere: a scope that a child fails [I24]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto body = [&books](scope<failed>& s) -> task<int, failed> {
                  s.add_finalizer(books.finalizer());
                  s.fork(fails_after, std::ref(books), 1ms);
                  s.fork(never_ends, std::ref(books));
                  co_await books.guarded(coir::sleep_for(1h));
                  co_return 5;
              };
              static_cast<void>(co_await coir::as_result(coir::with_scope<failed>(body)));
          }) > 10);
}

TEST_CASE("interrupted everywhere: children that say when they are ready [I1, F9]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto const serves = [](coir::started<int>& ready, ledger& b) -> task<> {
                  ledger::local const here{b};
                  co_await coir::sleep_for(1ms);
                  ready(1);
                  co_await b.guarded(never_ends(b));
              };
              auto const slow = [](coir::started<>& ready, ledger& b) -> task<> {
                  ledger::local const here{b};
                  co_await coir::uninterruptible(coir::sleep_for(2ms));
                  co_await b.guarded(coir::yield());
                  ready();
              };
              auto const fails = [](coir::started<>&, ledger& b) -> task<int, failed> {
                  co_return co_await fails_after(b, 1ms);
              };
              auto body = [&](scope<failed>& s) -> task<int, failed> {
                  co_await books.guarded(s.fork_started(serves, std::ref(books)));
                  co_await s.fork_started(coir::fork_options{.start = coir::fork_start::here}, slow, std::ref(books));
                  static_cast<void>(co_await coir::as_result(s.fork_started(fails, std::ref(books))));
                  co_await coir::timeout(s.fork_started(slow, std::ref(books)), 1ms);
                  co_await s.interrupt();
                  co_return 0;
              };
              static_cast<void>(co_await coir::as_result(coir::with_scope<failed>(body)));
          }) > 20);
}

TEST_CASE("interrupted everywhere: joining and interrupting a scope, from its body and from children [F8, F11]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto body = [&books](scope<>& s) -> task<int> {
                  ledger::local const here{books};
                  auto const joins = [](ledger& b, scope<>& in) -> task<> {
                      ledger::local const mine{b};
                      co_await b.guarded(in.join());
                  };
                  auto const interrupts = [](ledger& b, scope<>& in) -> task<> {
                      ledger::local const mine{b};
                      co_await coir::sleep_for(2ms);
                      co_await b.guarded(in.interrupt());
                  };
                  s.fork(value_after, std::ref(books), 1ms, 1);
                  s.fork(joins, std::ref(books), std::ref(s));
                  co_await books.guarded(s.join());
                  s.fork(never_ends, std::ref(books));
                  s.fork(interrupts, std::ref(books), std::ref(s));
                  s.fork(interrupts, std::ref(books), std::ref(s));
                  co_await s.join();
                  s.fork(never_ends, std::ref(books));
                  co_await coir::yield();
                  co_await books.guarded(s.interrupt());
                  co_return 0;
              };
              co_await coir::with_scope(body);
          }) > 20);
}

TEST_CASE("interrupted everywhere: children that refer to the frame they were forked under [F6]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto const uses = [](ledger& b, std::unique_ptr<int> const& n) -> task<> {
                  auto const last = [&n]() -> task<> {
                      co_await coir::sleep_for(1ms);
                      CHECK(*n == 5);
                  };
                  co_await coir::ensuring(never_ends(b), last);
              };
              auto const helper = [&](scope<failed>& s) -> task<int, failed> {
                  auto const mine = std::make_unique<int>(5);
                  s.fork(uses, std::ref(books), std::cref(mine));
                  co_return co_await fails_after(books, 1ms);
              };
              auto body = [&](scope<failed>& s) -> task<int, failed> {
                  auto const mine = std::make_unique<int>(5);
                  s.fork(uses, std::ref(books), std::cref(mine));
                  static_cast<void>(co_await coir::as_result(helper(s)));
                  co_await books.guarded(coir::sleep_for(1ms));
                  co_return co_await helper(s);
              };
              static_cast<void>(co_await coir::as_result(coir::with_scope<failed>(body)));
          }) > 10);
}

TEST_CASE("interrupted everywhere: finalizers in finalizers [I14, I15]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              co_await books.guarded(books.guarded(books.guarded(coir::sleep_for(1ms))));
              auto inner = [&books]() -> task<> {
                  co_await coir::timeout(books.guarded(never_ends(books)), 1ms);
                  co_await coir::when_all(value_after(books, 1ms, 1), value_after(books, 2ms, 1));
              };
              co_await coir::ensuring(coir::sleep_for(1ms), std::ref(inner));
          }) > 10);
}

TEST_CASE("interrupted everywhere: masks, restored parts, and both nested [I3, I4, I5, I6, I7]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              co_await coir::uninterruptible(value_after(books, 1ms, 1));
              auto body = [&books](auto restore) -> task<> {
                  ledger::local const here{books};
                  static_cast<void>(co_await coir::as_outcome(coir::timeout(restore(never_ends(books)), 2ms)));
                  co_await coir::sleep_for(1ms);
                  co_await coir::timeout(restore(books.guarded(coir::sleep_for(1h))), 1ms);
              };
              co_await coir::uninterruptible_mask(body);
              auto outer = [&](auto restore) -> task<> {
                  co_await coir::uninterruptible_mask(body);
                  co_await restore(coir::sleep_for(1ms));
              };
              co_await coir::uninterruptible_mask(outer);
          }) > 10);
}

TEST_CASE("interrupted everywhere: resources that are acquired, used and released [I10, I11]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto acquire = [&books] { return value_after(books, 1ms, 3); };
              auto use = [&books](int& n) -> task<int> {
                  ledger::local const here{books};
                  co_await books.guarded(coir::sleep_for(1ms));
                  co_return n;
              };
              auto nested = [&](int& n) -> task<int> {
                  co_return n +
                      co_await coir::acquire_use_release(acquire, use, [&books](int&) { return books.finalizer()(); });
              };
              auto told = [&books](coir::fiber_id) { return books.finalizer()(); };
              co_await coir::on_interrupt(
                  coir::acquire_use_release(acquire, nested, [&books](int&) { return books.finalizer()(); }), told);
          }) > 10);
}
