// Fibers and combinations of them, interrupted at each of their moments: what was begun is cleaned
// up once, nothing is left over, and the fiber ends.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/schedule.hpp>
#include <coir/scope.hpp>

#include "conformance/interrupted_scenes.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

using namespace coir_test::interrupted_scenes;
using coir::fiber;
using coir::fork;
using coir::max_concurrency;
using coir::outcome;
using coir::scope;

TEST_CASE("interrupted everywhere: moving a value out of a fiber [F4, F24]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto const makes = [](ledger& b) -> task<std::unique_ptr<ledger::local>> {
                  co_await b.guarded(coir::sleep_for(1ms));
                  co_return std::make_unique<ledger::local>(b);
              };
              auto f = fork(makes, std::ref(books));
              auto const copy = f;
              auto const joins = [](fiber<std::unique_ptr<ledger::local>> from) -> task<> { co_await from.await(); };
              fork(joins, copy);
              auto const mine = co_await books.guarded(std::move(f));
              CHECK(mine != nullptr);
              co_await coir::yield();
          }) > 5);
}

TEST_CASE("interrupted everywhere: interrupting, awaiting and joining many [F17, F20, F26]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              std::vector<fiber<int>> ending;
              for (int i = 0; i < 3; ++i) {
                  ending.push_back(fork(value_after, std::ref(books), 1ms * i, i));
              }
              co_await books.guarded(coir::await_all(ending));
              auto const values = co_await coir::join_all(ending);
              CHECK(values == std::vector{0, 1, 2});
              std::vector<fiber<>> waiting;
              for (int i = 0; i < 3; ++i) {
                  waiting.push_back(fork(never_ends, std::ref(books)));
              }
              co_await coir::yield();
              co_await books.guarded(coir::interrupt_all(waiting));
              for (auto const& f : waiting) {
                  CHECK(f.poll()->is_interrupted());
              }
          }) > 20);
}

TEST_CASE("interrupted everywhere: who interrupts is interrupted, and both wait [F17, F19]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto const victim = fork(never_ends, std::ref(books));
              auto const interrupts = [](ledger& b, fiber<> whom) -> task<> {
                  static_cast<void>(co_await b.guarded(whom.interrupt()));
                  CHECK(whom.poll() != nullptr);
              };
              fork(interrupts, std::ref(books), victim);
              co_await coir::yield();
              co_await victim.interrupt();
              co_await coir::as_outcome(victim);
          }) > 5);
}

TEST_CASE("interrupted everywhere: a child forked in a mask, and a mask in a child [F12, I3]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto const forks = [](ledger& b) -> task<fiber<>> {
                  auto const masked = [](ledger& also) -> task<> {
                      co_await coir::uninterruptible(value_after(also, 2ms, 1));
                      co_await never_ends(also);
                  };
                  co_await coir::sleep_for(1ms);
                  fork(never_ends, std::ref(b));
                  co_return fork(masked, std::ref(b));
              };
              auto const f = co_await coir::uninterruptible(forks(books));
              co_await coir::timeout(coir::as_outcome(f), 4ms);
              co_await coir::timeout(books.guarded(f.await()), 1ms);
          }) > 5);
}

TEST_CASE("interrupted everywhere: every outcome of several, and of a range [R15]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto const dies = [](ledger& b) -> task<> {
                  ledger::local const here{b};
                  co_await coir::sleep_for(1ms);
                  throw std::runtime_error("died");
              };
              auto const [a, b, c] = co_await coir::all_settled(fails_after(books, 2ms), dies(books),
                                                                books.guarded(value_after(books, 1ms, 3)));
              CHECK(a.is_failure());
              CHECK(b.is_defect());
              CHECK(c.value() == 3);
              std::vector<task<int, failed>> many;
              for (int i = 0; i < 3; ++i) {
                  many.push_back(fails_after(books, 1ms * i));
              }
              auto const ends = co_await books.guarded(coir::all_settled(std::move(many)));
              CHECK(ends.size() == 3);
          }) > 15);
}

TEST_CASE("interrupted everywhere: race and when_any of ranges [R1, R4, R6]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              std::vector<task<int>> racing;
              std::vector<task<int>> ending;
              for (int i = 0; i < 3; ++i) {
                  racing.push_back(value_after(books, 1ms * (3 - i), i));
                  ending.push_back(value_after(books, 1ms * (i + 1), i));
              }
              int const first = co_await books.guarded(coir::race(std::move(racing)));
              CHECK(first == 2);
              int const also = co_await coir::when_any(std::move(ending));
              CHECK(also == 0);
              std::vector<task<int, failed>> losing;
              losing.push_back(fails_after(books, 2ms));
              losing.push_back(fails_after(books, 1ms));
              auto const nobody = co_await coir::as_result(coir::race(std::move(losing)));
              CHECK_FALSE(nobody.has_value());
          }) > 20);
}

TEST_CASE("interrupted everywhere: for_each with a limit, one that fails and one that throws [R15, R16, R17]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              std::vector<int> const in{1, 2, 3, 4};
              int running = 0;
              auto const each = [&](int n) -> task<int> {
                  auto const leaves = [&running]() -> task<> {
                      --running;
                      co_return;
                  };
                  ++running;
                  CHECK(running <= 2);
                  co_return co_await coir::ensuring(value_after(books, 1ms * n, n), leaves);
              };
              auto const out = co_await books.guarded(coir::for_each(in, each, max_concurrency{2}));
              CHECK(out == in);
              auto const failing = [&](int n) -> task<int, failed> {
                  if (n == 3) {
                      co_return co_await fails_after(books, 1ms);
                  }
                  co_await never_ends(books);
                  co_return n;
              };
              auto const r = co_await coir::as_result(coir::for_each(in, failing, max_concurrency{3}));
              CHECK_FALSE(r.has_value());
              auto const throwing = [&](int n) {
                  if (n == 2) {
                      throw std::runtime_error("no task for this");
                  }
                  return never_ends(books);
              };
              auto const end = co_await coir::as_outcome(coir::for_each(in, throwing, max_concurrency{2}));
              CHECK(end.is_defect());
          }) > 30);
}

TEST_CASE("interrupted everywhere: a time limit that fails, around and inside others [R9, R13]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto const inner = [&]() -> task<int, failed> {
                  co_await coir::timeout_fail(books.guarded(never_ends(books)), 1ms, failed{8});
                  co_return 0;
              };
              auto const late = co_await coir::as_result(inner());
              CHECK(late.error().code == 8);
              auto const in_time =
                  co_await coir::as_result(coir::timeout_fail(value_after(books, 1ms, 5), 2ms, failed{9}));
              CHECK(in_time.value() == 5);
              co_await coir::timeout(coir::as_result(coir::timeout_fail(never_ends(books), 3ms, failed{1})), 2ms);
          }) > 10);
}

TEST_CASE("interrupted everywhere: a daemon that is left by its time limit, and one that is not [R12]") {
    auto const begun = std::make_shared<int>(0);
    auto const cleaned = std::make_shared<int>(0);
    CHECK(interrupt_everywhere([=](ledger&) -> task<> {
              auto const work = [](std::shared_ptr<int> begins, std::shared_ptr<int> cleans) -> task<int> {
                  ++*begins;
                  auto const finalizer = [cleans]() -> task<> {
                      co_await coir::yield();
                      ++*cleans;
                  };
                  co_await coir::ensuring(coir::sleep_for(2ms), finalizer);
                  co_return 7;
              };
              auto first = [=] { return work(begun, cleaned); };
              auto second = first;
              auto const none = co_await coir::timeout_detached(coir::moved(first), 1ms);
              CHECK_FALSE(none.has_value());
              auto const value = co_await coir::timeout_detached(coir::moved(second), 1h);
              CHECK(value == 7);
          }) > 10);
    CHECK(*begun > 0);
    CHECK(*begun == *cleaned);
}

TEST_CASE("interrupted everywhere: finalizers that hear of the end [I14, I16]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              int ends = 0;
              int interruptions = 0;
              auto const looks = [&](outcome<int> const& end) -> task<> {
                  ledger::local const here{books};
                  co_await coir::yield();
                  ++ends;
                  CHECK_FALSE(end.is_defect());
              };
              auto const hears = [&](coir::fiber_id) -> task<> {
                  ledger::local const here{books};
                  co_await coir::sleep_for(1ms);
                  ++interruptions;
              };
              co_await coir::on_exit(coir::on_interrupt(value_after(books, 1ms, 1), hears), looks);
              CHECK(ends == 1);
              CHECK(interruptions == 0);
              co_await coir::timeout(coir::on_exit(coir::on_interrupt(value_after(books, 1h, 1), hears), looks), 1ms);
              CHECK(ends == 2);
              CHECK(interruptions == 1);
          }) > 10);
}

TEST_CASE("interrupted everywhere: a supervisor whose children fail and die [F8, I23]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto body = [&books](scope<failed>& s) -> task<int, failed> {
                  s.add_finalizer(books.finalizer());
                  auto const one = s.fork(fails_after, std::ref(books), 1ms);
                  CHECK(one.poll() == nullptr);
                  s.fork(never_ends, std::ref(books));
                  auto const dies = [&books]() -> task<> {
                      ledger::local const here{books};
                      co_await coir::yield();
                      throw std::runtime_error("died");
                  };
                  auto const two = s.fork(dies);
                  CHECK(two.poll() == nullptr); // looked at, so that no end of it is reported
                  static_cast<void>(co_await books.guarded(one.await()));
                  static_cast<void>(co_await two.await());
                  s.request_interrupt();
                  co_return 5;
              };
              auto const end = co_await coir::as_result(coir::with_supervisor<failed>(body));
              CHECK(end.value() == 5);
          }) > 10);
}

TEST_CASE("interrupted everywhere: scopes in scopes, one of which fails, with finalizers that throw [I23, I24]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto const throws = [&books]() -> task<> {
                  ledger::local const here{books};
                  co_await coir::yield();
                  throw std::runtime_error("finalizer");
              };
              auto inner = [&](scope<failed>& s) -> task<int, failed> {
                  s.add_finalizer(throws);
                  s.add_finalizer(books.finalizer());
                  s.fork(fails_after, std::ref(books), 2ms);
                  co_await books.guarded(never_ends(books));
                  co_return 1;
              };
              auto outer = [&](scope<failed>& s) -> task<int, failed> {
                  s.add_finalizer(books.finalizer());
                  s.fork(never_ends, std::ref(books));
                  co_return co_await coir::with_scope<failed>(inner);
              };
              auto const end = co_await coir::as_outcome(coir::with_scope<failed>(outer));
              CHECK(end.is_failure());
              CHECK(end.suppressed().size() == 1);
          }) > 10);
}

TEST_CASE("interrupted everywhere: deferreds that are attached to a scope [D36]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              coir::shared_deferred<int> outside;
              auto body = [&](scope<>& s) -> task<int> {
                  outside = coir::make_deferred<int>(s);
                  deferred<> local;
                  auto const link = s.attach(local);
                  auto const waits = [&books](coir::shared_deferred<int> d) -> task<> {
                      static_cast<void>(co_await books.guarded(coir::as_outcome(d)));
                  };
                  s.fork(waits, outside);
                  co_await coir::timeout(books.guarded(local), 1ms);
                  outside->succeed(3);
                  co_return 1;
              };
              co_await coir::with_scope(body);
              CHECK(outside->poll()->value() == 3);
              auto const again = [&](scope<>& s) -> task<> {
                  outside = coir::make_deferred<int>(s);
                  co_return;
              };
              co_await coir::with_scope(again);
              CHECK(outside->poll()->is_interrupted());
          }) > 10);
}

TEST_CASE("interrupted everywhere: trying again [C8, C9]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              int attempts = 0;
              auto const fails_twice = [&]() -> task<int, failed> {
                  if (++attempts < 3) {
                      co_await books.guarded(fails_after(books, 1ms));
                  }
                  co_return attempts;
              };
              auto const policy = coir::exponential(1ms).jittered() && coir::recurs(3);
              auto const r = co_await coir::as_result(books.guarded(coir::retry(fails_twice, policy)));
              CHECK(r.value() == 3);
              auto const always = [&] { return fails_after(books, 1ms); };
              auto const gave_up = co_await coir::as_result(coir::retry(always, coir::spaced(1ms) && coir::recurs(2)));
              CHECK_FALSE(gave_up.has_value());
          }) > 20);
}
