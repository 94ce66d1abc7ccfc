// Fiber-local values: bound for the time of an await, inherited by whatever is started meanwhile.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/fiber_local.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/stream.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/counted.hpp"
#include "support/interrupt_everywhere.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::fiber_local;
using coir::scope;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;
using coir_test::never_ends;

namespace {

fiber_local<int> const number{7};
fiber_local<std::string> const name{"nobody"};

task<int> look() { co_return number.get(); }

task<int> read_later(std::chrono::milliseconds d) {
    co_await coir::sleep_for(d);
    co_return number.get();
}

task<int, int> fails() {
    co_await coir::yield();
    co_await coir::fail(number.get());
    co_return 0;
}

task<> dies() {
    co_await coir::yield();
    throw std::runtime_error{"died"};
}

} // namespace

TEST_CASE("outside of a fiber, and where nothing is bound, there is the default") {
    CHECK(number.get() == 7);
    CHECK(*name == "nobody");
    CHECK(name->size() == 6);
    fiber_local<int> const zero;
    CHECK(*zero == 0);
    CHECK(test_scheduler{}.run(look).value() == 7);
}

TEST_CASE("a value is bound for the time of an await, and bindings nest") {
    auto const inner = [](std::vector<int>& seen) -> task<> {
        seen.push_back(number.get());
        co_await number.with(2, [&]() -> task<> {
            co_await coir::yield();
            seen.push_back(number.get());
        });
        seen.push_back(number.get());
        CHECK(name.get() == "Ada");
    };
    std::vector<int> seen;
    auto const work = [&]() -> task<> {
        auto const named = [&]() -> task<> { co_await name.with("Ada", inner, std::ref(seen)); };
        co_await number.with(1, named);
        seen.push_back(number.get());
        CHECK(name.get() == "nobody");
        CHECK(co_await number.with(3, look()) == 3);
    };
    CHECK(test_scheduler{}.run(work).is_success());
    CHECK(seen == std::vector{1, 2, 1, 7});
}

TEST_CASE("every kind of work runs with the value bound, and its end is that of the await") {
    auto const work = [&]() -> task<> {
        CHECK(co_await number.with(1, look()) == 1);
        CHECK(co_await number.with(2, look) == 2);
        CHECK(co_await number.with(3, read_later, 1ms) == 3);
        CHECK(co_await number.with(4, [] { return coir::transform(look(), [](int n) { return n * number.get(); }); }) ==
              16);
        deferred<int> d;
        d.succeed(5);
        CHECK(co_await number.with(0, d) == 5);
        co_await number.with(0, coir::sleep_for(1ms));
        auto const p = co_await number.with(
            6, []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(number.get()); });
        CHECK(*p == 6);
        CHECK(number.get() == 7);
    };
    CHECK(test_scheduler{}.run(work).is_success());
}

TEST_CASE("the old value is back on every path") {
    int finalized = 0;
    auto const work = [&]() -> task<> {
        CHECK((co_await coir::as_result(number.with(1, fails))).error() == 1);
        CHECK(number.get() == 7);
        try {
            co_await number.with(1, dies);
            CHECK(false);
        } catch (std::runtime_error const&) {
            CHECK(number.get() == 7);
        }
        auto throws = []() -> task<> { throw std::logic_error{"no task"}; };
        CHECK((co_await coir::as_outcome(number.with(1, throws))).is_defect());
        CHECK(number.get() == 7);
        auto finalizer = [&]() -> task<> {
            finalized = number.get();
            co_return;
        };
        co_await coir::timeout(number.with(2, coir::ensuring(never_ends(), std::ref(finalizer))), 1ms);
        CHECK(finalized == 2);
        CHECK(number.get() == 7);
        co_await number.with(3, coir::timeout(never_ends(), 1ms));
        CHECK(number.get() == 7);
        deferred<> gone;
        gone.interrupt();
        CHECK((co_await coir::as_outcome(number.with(1, gone))).is_interrupted());
        CHECK(number.get() == 7);
    };
    CHECK(test_scheduler{}.run(work).is_success());
}

TEST_CASE("destructors that unwinding runs see what was bound") {
    struct witness {
        int& seen;
        ~witness() { seen = number.get(); }
    };
    int seen = 0;
    auto const inner = [&]() -> task<> {
        witness const w{seen};
        co_await never_ends();
    };
    auto const work = [&]() -> task<> { co_await coir::timeout(number.with(5, inner), 1ms); };
    CHECK(test_scheduler{}.run(work).is_success());
    CHECK(seen == 5);
}

TEST_CASE("fibers inherit what is bound where they are started, and keep it") {
    std::vector<int> seen;
    coir::fiber<int> forked;
    coir::fiber<int> daemon;
    auto const starting = [&]() -> task<> {
        forked = coir::fork(read_later, 5ms);
        daemon = coir::fork_daemon(read_later, 5ms);
        auto const [a, b] = co_await coir::when_all(look(), read_later(1ms));
        seen = {a, b};
        seen.push_back(co_await coir::race(read_later(2ms), read_later(1ms)));
        seen.push_back(co_await coir::when_any(read_later(2ms), read_later(1ms)));
        std::vector<int> const three{1, 2, 3};
        auto const each = [](int n) -> task<int> { co_return n* number.get(); };
        for (int const v : co_await coir::for_each(three, each, coir::max_concurrency{2})) {
            seen.push_back(v);
        }
        auto const body = [&](scope<>& s) -> task<> {
            auto const child = s.fork([]() -> task<int> { co_return co_await coir::fork(look); });
            seen.push_back(co_await child);
        };
        co_await coir::with_scope(body);
    };
    auto const work = [&]() -> task<> {
        co_await number.with(2, starting);
        CHECK(co_await forked == 2);
        CHECK(co_await daemon == 2);
        CHECK(co_await coir::fork(look) == 7);
    };
    CHECK(test_scheduler{}.run(work).is_success());
    CHECK(seen == std::vector{2, 2, 2, 2, 2, 4, 6, 2});
}

TEST_CASE("who forks in a scope of another fiber hands on its own values, not the owner's") {
    auto const work = []() -> task<> {
        auto const body = [](scope<>& s) -> task<> {
            auto const forks = [](scope<>& in) -> task<int> { co_return co_await in.fork(look); };
            auto const child = s.fork([&]() -> task<int> { co_return co_await number.with(3, forks, std::ref(s)); });
            CHECK(co_await child == 3);
            CHECK(co_await s.fork(look) == 1);
        };
        co_await number.with(1, coir::with_scope(body));
    };
    CHECK(test_scheduler{}.run(work).is_success());
}

TEST_CASE("a fiber that is started by no fiber has the defaults, and so has a plain thread") {
    coir::thread_pool pool{1};
    auto const work = [&]() -> task<> {
        auto const from_here = [&]() -> task<> {
            auto const mine = pool.spawn(look);
            CHECK(co_await mine == 4);
            int elsewhere = 0;
            std::thread{[&] { elsewhere = number.get(); }}.join();
            CHECK(elsewhere == 7);
        };
        co_await number.with(4, from_here);
    };
    CHECK(pool.run(work).is_success());
    CHECK(pool.run(look).value() == 7);
}

TEST_CASE("a value lives as long as a fiber that has it runs, whatever handles are kept") {
    counted::reset();
    fiber_local<counted> const kept{0};
    test_scheduler s;
    coir::fiber<int> handle;
    {
        auto const sleeper = [&]() -> task<int> {
            co_await coir::sleep_for(5ms);
            co_return kept->value;
        };
        auto const work = [&]() -> task<> {
            auto const daemon = [&]() -> task<> {
                handle = coir::fork_daemon(sleeper);
                co_return;
            };
            co_await kept.with(counted{9}, daemon);
        };
        auto const root = s.start(work);
        s.advance(1ms);
        CHECK(root.poll()->is_success());
        CHECK(counted::alive() == 2); // the default too
        s.advance(5ms);
        CHECK(handle.poll()->value() == 9);
        CHECK(counted::alive() == 1);
        CHECK(counted::copies() == 0);
    }
}

TEST_CASE("the arguments of a fiber are destroyed while its values are still there") {
    struct witness {
        int* seen;
        explicit witness(int& s) : seen{&s} {}
        witness(witness&& other) noexcept : seen{std::exchange(other.seen, nullptr)} {}
        ~witness() {
            if (seen != nullptr) {
                *seen = number.get();
            }
        }
    };
    int seen = 0;
    auto const forking = [&]() -> task<> { co_await coir::fork([w = witness{seen}]() -> task<> { co_return; }); };
    auto const work = [&]() -> task<> { co_await number.with(5, forking); };
    CHECK(test_scheduler{}.run(work).is_success());
    CHECK(seen == 5);
}

TEST_CASE("bound anew by each of a line of fibers a value takes the place of the one before") {
    counted::reset();
    fiber_local<counted> const mine{0};
    fiber_local<int> const other{0};
    int ended = 0;
    auto const generation = [&](auto const& self, int n) -> task<> {
        CHECK(mine->value == n);
        CHECK(*other == 3);
        CHECK(counted::alive() <= 4); // the default, this one, that of the parent, and one in the making
        if (n < 50) {
            auto const next = [&]() -> task<> {
                coir::fork_daemon(std::cref(self), std::cref(self), n + 1);
                co_return;
            };
            co_await mine.with(counted{n + 1}, next);
        }
        ++ended;
    };
    test_scheduler s;
    auto const work = [&]() -> task<> { co_await other.with(3, mine.with(counted{1}, generation(generation, 1))); };
    auto const root = s.start(work);
    s.run_ready();
    CHECK(root.poll()->is_success());
    CHECK(ended == 50);
    CHECK(counted::alive() == 1);
}

TEST_CASE("a fiber_local that comes after another at its address is not mistaken for it") {
    auto const work = []() -> task<> {
        std::optional<fiber_local<int>> local;
        local.emplace(1);
        auto const inner = [&]() -> task<> {
            CHECK(local->get() == 5);
            local.emplace(2);
            CHECK(local->get() == 2);
            co_return;
        };
        co_await local->with(5, inner);
    };
    CHECK(test_scheduler{}.run(work).is_success());
}

TEST_CASE("what making the value throws is thrown by the call, and nothing is bound") {
    struct picky {
        int value;
        explicit picky(int v) : value{v} {
            if (v < 0) {
                throw std::invalid_argument{"negative"};
            }
        }
    };
    fiber_local<picky> const local{0};
    auto const work = [&]() -> task<> {
        CHECK_THROWS_AS(local.with(-1, look()), std::invalid_argument);
        CHECK(local->value == 0);
        co_return;
    };
    CHECK(test_scheduler{}.run(work).is_success());
}

TEST_CASE("a closure that is named and moved is destroyed once, and so are arguments") {
    counted::reset();
    auto const work = []() -> task<> {
        auto f = [c = counted{1}](counted const& d) -> task<int> {
            co_await coir::yield();
            co_return c.value + d.value + number.get();
        };
        int const sum = co_await number.with(4, coir::moved(f), counted{2});
        CHECK(sum == 7);
    };
    CHECK(test_scheduler{}.run(work).is_success());
    CHECK(counted::alive() == 0);
}

TEST_CASE("a pull of a generator sees what is bound around it, the generator its own bindings") {
    auto const numbers = []() -> coir::stream<int> {
        for (int i = 0; i < 2; ++i) {
            co_yield number.get();
            co_yield co_await number.with(50, look);
        }
    };
    std::vector<int> seen;
    auto const work = [&]() -> task<> {
        auto const consume = [&](auto& in) -> task<> {
            auto const pull = [&]() -> task<> {
                while (auto const v = co_await coir::next(in)) {
                    seen.push_back(*v);
                    seen.push_back(number.get());
                }
            };
            co_await number.with(3, pull);
        };
        co_await coir::with_stream(numbers(), consume);
    };
    CHECK(test_scheduler{}.run(work).is_success());
    CHECK(seen == std::vector{3, 3, 50, 3, 3, 3, 50, 3});
}

TEST_CASE("interrupted everywhere: values that are bound and inherited [I1]") {
    using coir_test::ledger;
    CHECK(coir_test::interrupt_everywhere([](ledger& books) -> task<> {
              auto const check = [](ledger& b, int expected) -> task<> {
                  ledger::local const here{b};
                  auto finalizer = [&]() -> task<> {
                      CHECK(number.get() == expected);
                      co_await b.finalizer()();
                  };
                  co_await coir::ensuring(coir::sleep_for(2ms), std::ref(finalizer));
                  CHECK(number.get() == expected);
              };
              auto const forking = [&](ledger& b) -> task<> {
                  auto const f = coir::fork(check, std::ref(b), 1);
                  co_await number.with(2, check, std::ref(b), 2);
                  CHECK(number.get() == 1);
                  co_await coir::timeout(number.with(3, check, std::ref(b), 3), 1ms);
                  CHECK(number.get() == 1);
                  co_await f;
              };
              co_await number.with(1, forking, std::ref(books));
              CHECK(number.get() == 7);
              co_await coir::yield();
          }) > 10);
}

TEST_CASE("many threads read, bind and inherit the same values") {
    coir::thread_pool pool{4};
    auto const node = [](auto const& self, int depth, std::string text) -> task<long> {
        long wrong = name.get() != text;
        co_await coir::yield();
        wrong += name.get() != text;
        if (depth > 0) {
            auto const deeper = [&]() -> task<long> {
                auto const [a, b] =
                    co_await coir::when_all(self(self, depth - 1, text + "l"), self(self, depth - 1, text + "l"));
                co_return a + b;
            };
            auto const kept = coir::fork(std::cref(self), std::cref(self), 0, text);
            wrong += co_await name.with(text + "l", deeper);
            wrong += name.get() != text;
            wrong += co_await kept;
        }
        co_return wrong;
    };
    long wrong = 0;
    for (int i = 0; i < 20; ++i) {
        wrong += pool.run([&]() -> task<long> { co_return co_await name.with("x", node(node, 6, "x")); }).value();
    }
    CHECK(wrong == 0);
}
