// Deferreds, blocking calls, queues and pubsubs, interrupted at each of their moments: what was
// begun is cleaned up once, and no value is lost or given twice.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/blocking.hpp>
#include <coir/scope.hpp>
#include <coir/sync/pubsub.hpp>
#include <coir/sync/queue.hpp>

#include "conformance/interrupted_scenes.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

using namespace coir_test::interrupted_scenes;
using coir::fork;
using coir::scope;
using numbers = std::vector<int>;

namespace {

// A queue, and the books of what went in and came out of it. What an interrupted push_all had
// brought is not known here: of those only that they are the first ones, once.
struct traffic {
    explicit traffic(coir::queue_capacity c) : q{c} {}

    coir::queue<int> q;
    numbers in;
    numbers in_bulk;
    numbers out;

    task<> push(int n) {
        auto const status = co_await q.push(n);
        if (status) {
            in.push_back(n);
        }
    }
    task<> push_many(int from, int to) {
        for (int n = from; n < to; ++n) {
            co_await push(n);
        }
    }
    task<> push_bulk(numbers many) {
        in_bulk.insert(in_bulk.end(), many.begin(), many.end());
        co_await q.push_all(many);
    }
    task<> pop() {
        auto const n = co_await q.pop();
        if (n) {
            out.push_back(*n);
        }
    }
    void took(numbers const& several) { out.insert(out.end(), several.begin(), several.end()); }

    // After all have ended.
    void balance() {
        while (auto const n = q.try_pop()) {
            out.push_back(*n);
        }
        numbers singly;
        numbers bulk;
        for (int const n : out) {
            (std::ranges::count(in_bulk, n) > 0 ? bulk : singly).push_back(n);
        }
        std::ranges::sort(in);
        std::ranges::sort(singly);
        CHECK(singly == in);
        CHECK(bulk.size() <= in_bulk.size());
        CHECK(std::equal(bulk.begin(), bulk.end(), in_bulk.begin())); // in order, each once
    }
};

// Runs `body(scope<>&)`, and balances the books when it has ended with all that it forked.
template <class Body>
task<> balanced(traffic& t, Body body) {
    auto const balance = [&t]() -> task<> {
        t.balance();
        co_return;
    };
    co_await coir::ensuring(coir::with_scope(body), balance);
}

task<> pushes(traffic& t, int from, int to) { co_await t.push_many(from, to); }
task<> pushes_bulk(traffic& t, numbers many) { co_await t.push_bulk(std::move(many)); }
task<> pops(traffic& t, int times) {
    for (int i = 0; i < times; ++i) {
        co_await t.pop();
    }
}

} // namespace

TEST_CASE("interrupted everywhere: taking a value out of a deferred [D30]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              deferred<std::unique_ptr<int>> d;
              int taken = 0;
              auto const takes = [&]() -> task<> {
                  auto const end = co_await coir::as_outcome(books.guarded(d.take()));
                  taken += end.is_success() && end.value() != nullptr ? 1 : 0;
              };
              auto const body = [&]() -> task<> {
                  auto const completes = [&]() -> task<> {
                      co_await coir::sleep_for(1ms);
                      d.succeed(std::make_unique<int>(1));
                  };
                  fork(takes);
                  fork(completes);
                  co_await takes();
                  co_await coir::sleep_for(2ms);
              };
              auto const counts = [&]() -> task<> {
                  if (d.is_done()) {
                      co_await takes();
                      CHECK(taken == 1);
                  }
                  CHECK(d.waiter_count() == 0);
              };
              co_await coir::ensuring(body(), counts);
          }) > 5);
}

TEST_CASE("interrupted everywhere: a recipe, awaited before and after it is there [D7]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              coir::deferred_recipe<int> r;
              auto const factory = [&books] { return value_after(books, 1ms, 4); };
              auto const completes = [&]() -> task<> {
                  co_await coir::yield();
                  r.complete_with(factory);
              };
              auto const both = [&]() -> task<int> {
                  fork(completes);
                  int const a = co_await books.guarded(r);
                  int const b = co_await r;
                  co_return a + b;
              };
              int const sum = co_await both();
              CHECK(sum == 8);
              coir::deferred_recipe<int> worked;
              co_await books.guarded(worked.complete(value_after(books, 1ms, 2)));
              int const n = co_await worked;
              CHECK(n == 2);
          }) > 5);
}

TEST_CASE("interrupted everywhere: a shared deferred whose last handle goes away [D31, D32]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto d = std::make_unique<coir::shared_deferred<int>>();
              auto const waits = [&books](coir::deferred_view<int> v) -> task<> {
                  static_cast<void>(co_await coir::as_outcome(books.guarded(v)));
              };
              auto const completes = [](coir::deferred_completer<int> c) -> task<> {
                  co_await coir::sleep_for(1ms);
                  c.succeed(5);
              };
              fork(waits, coir::view_of(*d));
              fork(completes, coir::completer_of(*d));
              auto const v = coir::view_of(*d);
              d.reset();
              int const n = co_await books.guarded(v);
              CHECK(n == 5);
          }) > 5);
}

TEST_CASE("interrupted everywhere: a blocking call is waited for [I25]") {
    std::vector<coir::expected_external> expected; // one at a time
    CHECK(interrupt_everywhere([&](ledger& books) -> task<> {
              auto& here = static_cast<coir::test_scheduler&>(*coir::detail::this_worker().current);
              expected.clear();
              expected.push_back(here.expect_external());
              int calls = 0;
              auto const call = [&calls] { return ++calls; };
              int const first = co_await books.guarded(coir::blocking(std::ref(call)));
              CHECK(first == 1);
              co_await coir::timeout(coir::blocking(std::ref(call)), 1h);
              CHECK(calls == 2);
          }) > 2);
    expected.clear();
}

TEST_CASE("interrupted everywhere: pushing to a full queue and popping from an empty one [Q1, Q2, Q6, Q14]") {
    for (auto const capacity : {coir::bounded(1), coir::bounded(0), coir::bounded(3), coir::unbounded()}) {
        CHECK(interrupt_everywhere([capacity](ledger& books) -> task<> {
                  traffic t{capacity};
                  auto body = [&](scope<>& s) -> task<> {
                      s.fork(pushes, std::ref(t), 0, 5);
                      s.fork(pops, std::ref(t), 3);
                      co_await books.guarded(t.pop());
                      co_await books.guarded(t.pop());
                      s.fork(pops, std::ref(t), 2);
                      co_await t.push_many(10, 12);
                  };
                  co_await balanced(t, body);
              }) > 10);
    }
}

TEST_CASE("interrupted everywhere: pushes and pops that run out of time [Q7, Q9]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              traffic t{coir::bounded(1)};
              auto body = [&](scope<>& s) -> task<> {
                  co_await coir::timeout(t.pop(), 1ms);
                  co_await t.push(0);
                  co_await coir::timeout(books.guarded(t.push(1)), 1ms);
                  auto const late = [&]() -> task<> {
                      co_await coir::sleep_for(1ms);
                      co_await t.pop();
                  };
                  s.fork(late);
                  co_await coir::timeout(t.push(2), 1ms); // room comes as the time is up
                  co_await coir::timeout(t.pop(), 1ms);
                  t.q.close();
              };
              co_await balanced(t, body);
          }) > 10);
}

TEST_CASE("interrupted everywhere: popping several, all, or at least so many [Q15, Q16]") {
    for (auto const capacity : {coir::bounded(2), coir::unbounded()}) {
        CHECK(interrupt_everywhere([capacity](ledger& books) -> task<> {
                  traffic t{capacity};
                  auto body = [&](scope<>& s) -> task<> {
                      s.fork(pushes, std::ref(t), 0, 9);
                      co_await coir::yield();
                      auto const some = co_await books.guarded(t.q.pop_up_to(2));
                      t.took(some);
                      auto const between = co_await books.guarded(t.q.pop_between(3, 4));
                      t.took(between);
                      CHECK(between.size() >= 3);
                      auto const all = co_await t.q.pop_all();
                      t.took(all);
                      co_await coir::yield();
                      static_cast<void>(t.q.peek());
                  };
                  co_await balanced(t, body);
              }) > 5);
    }
}

TEST_CASE("interrupted everywhere: pushing many, and closing while they wait [Q3, Q10, Q19]") {
    for (int how = 0; how < 2; ++how) {
        CHECK(interrupt_everywhere([how](ledger& books) -> task<> {
                  traffic t{coir::bounded(2)};
                  auto body = [&, how](scope<>& s) -> task<> {
                      numbers const many{0, 1, 2, 3};
                      auto const pushing = s.fork(pushes_bulk, std::ref(t), many);
                      co_await t.pop();
                      co_await books.guarded(t.pop());
                      if (how == 0) {
                          co_await pushing;
                          t.q.close();
                      } else {
                          co_await coir::yield();
                          t.q.close();
                          co_await t.pop();
                      }
                      s.fork(pops, std::ref(t), 5);
                      co_await books.guarded(t.q.drained());
                      CHECK(t.q.size() == 0);
                  };
                  co_await balanced(t, body);
              }) > 10);
    }
}

TEST_CASE("interrupted everywhere: queues that fail or are shut down while others wait [Q11, Q12]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              coir::queue<int, failed> q{coir::bounded(1)};
              auto const pops_one = [&]() -> task<> {
                  static_cast<void>(co_await coir::as_outcome(books.guarded(q.pop())));
              };
              auto const body = [&]() -> task<> {
                  auto const popping = fork(pops_one);
                  auto const fails = [&]() -> task<> {
                      co_await coir::sleep_for(1ms);
                      q.fail(failed{3});
                  };
                  fork(fails);
                  co_await popping;
                  auto const end = co_await coir::as_result(q.pop());
                  CHECK(end.error().code == 3);
                  traffic t{coir::bounded(1)};
                  auto const pushing = fork(pushes, std::ref(t), 0, 3);
                  co_await coir::yield();
                  CHECK(t.q.shutdown() == 1);
                  co_await pushing;
                  CHECK(t.q.is_closed());
              };
              co_await body();
          }) > 5);
}

TEST_CASE("interrupted everywhere: a pubsub with a slow and a quick subscriber [Q22, Q24]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              coir::pubsub<int> p{coir::bounded(1)};
              numbers published;
              numbers seen_slowly;
              numbers seen;
              auto const reads = [&](coir::subscription<int>& from, numbers& into,
                                     std::chrono::milliseconds pause) -> task<> {
                  auto n = co_await books.guarded(from.next());
                  while (n) {
                      into.push_back(*n);
                      co_await coir::sleep_for(pause);
                      n = co_await from.next();
                  }
              };
              auto slow = p.subscribe();
              auto quick = p.subscribe();
              auto const body = [&]() -> task<> {
                  auto const a = fork(reads, std::ref(slow), std::ref(seen_slowly), 2ms);
                  auto const b = fork(reads, std::ref(quick), std::ref(seen), 0ms);
                  for (int n = 0; n < 4; ++n) {
                      auto const status = co_await books.guarded(p.publish(n));
                      if (status) {
                          published.push_back(n);
                      }
                  }
                  p.close();
                  co_await a;
                  co_await b;
              };
              // What was published and not read yet is still there, for each of them.
              auto const balance = [&]() -> task<> {
                  while (auto const n = slow.try_next()) {
                      seen_slowly.push_back(*n);
                  }
                  while (auto const n = quick.try_next()) {
                      seen.push_back(*n);
                  }
                  CHECK(seen_slowly == published);
                  CHECK(seen == published);
                  co_return;
              };
              co_await coir::ensuring(body(), balance);
          }) > 20);
}

TEST_CASE(
    "interrupted everywhere: a subscription that ends while it is read, and a pubsub that ends before it [Q23, Q25]") {
    CHECK(interrupt_everywhere([](ledger& books) -> task<> {
              auto p = std::make_unique<coir::pubsub<int>>(coir::bounded(1), coir::replay(2));
              auto const reads = [&books](coir::pubsub<int>& of) -> task<> {
                  auto mine = of.subscribe();
                  co_await books.guarded(mine.next());
                  co_await coir::timeout(mine.next(), 1ms);
              };
              auto const body = [&]() -> task<> {
                  auto const first = fork(reads, std::ref(*p));
                  co_await coir::yield();
                  co_await p->publish(1);
                  auto const second = fork(reads, std::ref(*p));
                  co_await p->publish(2);
                  co_await first;
                  co_await second;
                  auto mine = p->subscribe();
                  p.reset();
                  auto const nothing = co_await mine.next();
                  CHECK_FALSE(nothing.has_value());
              };
              co_await body();
          }) > 10);
}
