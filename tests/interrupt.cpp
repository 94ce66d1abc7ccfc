// Interruption: where it is taken, what hides from it, what runs because of it.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::outcome;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;
using coir_test::failed;
using coir_test::never_ends;
using coir_test::steps;

namespace {

task<int, failed> fails(int code) {
    co_await coir::fail(failed{code});
    co_return 0;
}

// A finalizer that suspends before it notes that it ran.
struct notes {
    steps* log;
    char const* what;
    task<> operator()() const { return note(log, what); }
    static task<> note(steps* log, char const* what) {
        co_await coir::sleep_for(1ms);
        log->push_back(what);
    }
};

// Starts `work`, lets it come to rest, interrupts it and runs it to its end.
template <class Work>
auto interrupted(Work work) {
    test_scheduler s;
    auto const f = s.start(std::move(work));
    s.run_ready();
    f.request_interrupt();
    s.advance(1h);
    REQUIRE(f.poll() != nullptr);
    return *f.poll();
}

} // namespace

TEST_CASE("every wait can be interrupted [I1]") {
    CHECK(interrupted([]() -> task<> { co_await never_ends(); }).is_interrupted());
    CHECK(interrupted([]() -> task<> { co_await coir::sleep_for(2h); }).is_interrupted());
    CHECK(interrupted([]() -> task<> { co_await coir::fork(never_ends); }).is_interrupted());
    CHECK(interrupted([]() -> task<> { co_await coir::when_all(never_ends(), never_ends()); }).is_interrupted());
    CHECK(interrupted([]() -> task<> { co_await coir::race(never_ends(), never_ends()); }).is_interrupted());
    CHECK(interrupted([]() -> task<> { co_await coir::timeout(never_ends(), 2h); }).is_interrupted());
}

TEST_CASE("a loop with a yield or a checkpoint can be interrupted [I2]") {
    test_scheduler s;
    auto const yields = s.start([]() -> task<> {
        for (;;) {
            co_await coir::yield();
        }
    });
    int turns = 0;
    s.run_until([&] { return ++turns == 10; });
    yields.request_interrupt();
    s.run_ready();
    CHECK(yields.poll()->is_interrupted());
    coir::fiber<> self;
    self = s.start([&]() -> task<> {
        for (int i = 0;; ++i) {
            if (i == 3) {
                self.request_interrupt();
            }
            co_await coir::checkpoint();
        }
    });
    s.run_ready();
    CHECK(self.poll()->is_interrupted());
    self = {};
}

TEST_CASE("what completes in a mask is done, and the request is taken right after [I3]") {
    steps log;
    CHECK(interrupted([&]() -> task<> {
              co_await coir::uninterruptible(notes{&log, "masked"}());
              log.push_back("after");
          }).is_interrupted());
    CHECK(log == steps{"masked"});
}

TEST_CASE("a failure or a defect in a mask stays what it is [I3]") {
    auto const work = []() -> task<int, failed> {
        auto const slow = []() -> task<int, failed> {
            co_await coir::sleep_for(1ms);
            co_return co_await fails(4);
        };
        co_return co_await coir::uninterruptible(slow());
    };
    CHECK(interrupted(work).error().code == 4);
}

TEST_CASE("restoring takes a pending request before anything begins [I4]") {
    steps log;
    auto const restored = [&]() -> task<> { // no interruption point of its own
        log.push_back("restored");
        co_return;
    };
    auto body = [&](auto restore) -> task<> {
        co_await coir::sleep_for(1ms);
        co_await restore(restored());
        log.push_back("after");
    };
    CHECK(interrupted([&]() -> task<> { co_await coir::uninterruptible_mask(std::ref(body)); }).is_interrupted());
    CHECK(log.empty());
}

TEST_CASE("after a restored part the mask is back [I5]") {
    steps log;
    auto body = [&](auto restore) -> task<> {
        co_await restore(coir::sleep_for(0ms));
        co_await coir::sleep_for(1ms);
        log.push_back("still masked");
    };
    CHECK(interrupted([&]() -> task<> { co_await coir::uninterruptible_mask(std::ref(body)); }).is_interrupted());
    CHECK(log == steps{"still masked"});
}

TEST_CASE("restoring in a mask in a mask restores the outer mask [I6]") {
    steps log;
    auto inner = [&](auto restore) -> task<> { co_await restore(notes{&log, "done"}()); };
    auto outer = [&]() -> task<> { co_await coir::uninterruptible_mask(std::ref(inner)); };
    CHECK(interrupted([&]() -> task<> { co_await coir::uninterruptible(outer()); }).is_interrupted());
    CHECK(log == steps{"done"});
}

TEST_CASE("in a mask the interruption of a restored part is a value, at every level [I7, I8]") {
    steps log;
    auto inner = [&](auto restore) -> task<> {
        auto const end = co_await coir::as_outcome(restore(never_ends()));
        log.push_back(end.is_interrupted() ? "inner" : "?");
        co_await coir::sleep_for(1ms);
    };
    auto outer = [&](auto restore) -> task<> {
        auto const nested = [&]() -> task<> { co_await coir::uninterruptible_mask(std::ref(inner)); };
        auto const end = co_await coir::as_outcome(restore(nested()));
        log.push_back(end.is_interrupted() ? "outer" : "?");
        co_await coir::sleep_for(1ms);
        log.push_back("end");
    };
    CHECK(interrupted([&]() -> task<> { co_await coir::uninterruptible_mask(std::ref(outer)); }).is_interrupted());
    CHECK(log == steps{"inner", "outer", "end"});
}

TEST_CASE("a mask does not shield from the regions inside it [R9]") {
    auto const work = []() -> task<bool> {
        auto const masked = []() -> task<bool> { co_return co_await coir::timeout(never_ends(), 1ms); };
        co_return co_await coir::uninterruptible(masked());
    };
    CHECK_FALSE(test_scheduler{}.run(work).value());
}

TEST_CASE("a mask shields from the timeout outside it [R12]") {
    steps log;
    auto const work = [&]() -> task<bool> {
        auto const masked = [&]() -> task<> { co_await coir::uninterruptible(notes{&log, "done"}()); };
        co_return co_await coir::timeout(masked(), 500us);
    };
    CHECK_FALSE(test_scheduler{}.run(work).value());
    CHECK(log == steps{"done"});
}

TEST_CASE("acquiring is not interrupted, and what was acquired is released without being used [I10]") {
    steps log;
    auto acquire = [&]() -> task<int> {
        co_await coir::sleep_for(1ms);
        log.push_back("acquired");
        co_return 3;
    };
    auto use = [&](int&) -> task<> {
        log.push_back("used");
        co_return;
    };
    auto release = [&](int& r, outcome<void> const& end) -> task<> {
        co_await coir::sleep_for(1ms);
        log.push_back("released " + std::to_string(r) + (end.is_interrupted() ? " interrupted" : ""));
    };
    CHECK(interrupted([&]() -> task<> {
              co_await coir::acquire_use_release(std::ref(acquire), std::ref(use), std::ref(release));
          }).is_interrupted());
    CHECK(log == steps{"acquired", "released 3 interrupted"});
}

TEST_CASE("a use that is interrupted, fails, dies or succeeds is released once, before the end [I11]") {
    counted::reset();
    for (int how = 0; how < 4; ++how) {
        int released = 0;
        auto acquire = []() -> task<counted> { co_return counted{5}; };
        auto use = [how](counted& c) -> task<int, failed> {
            co_await coir::yield();
            switch (how) {
            case 0: co_await never_ends(); break;
            case 1: co_await coir::fail(failed{c.value}); break;
            case 2: throw std::runtime_error("died");
            default: break;
            }
            co_return c.value;
        };
        auto release = [&](counted& c) -> task<> {
            released += c.value;
            co_return;
        };
        auto const work = [&]() -> task<int, failed> {
            co_return co_await coir::acquire_use_release(std::ref(acquire), std::ref(use), std::ref(release));
        };
        auto const end = interrupted(work);
        CHECK(released == 5);
        CHECK(static_cast<int>(end.kind()) ==
              std::vector<int>{static_cast<int>(coir::outcome_kind::interrupted),
                               static_cast<int>(coir::outcome_kind::failure),
                               static_cast<int>(coir::outcome_kind::defect),
                               static_cast<int>(coir::outcome_kind::success)}[static_cast<std::size_t>(how)]);
    }
    CHECK(counted::alive() == 0);
}

TEST_CASE("a release that throws is a defect after a success and suppressed after anything else [I12]") {
    for (bool const well : {true, false}) {
        auto use = [well](int& n) -> task<int, failed> {
            if (!well) {
                co_await coir::fail(failed{n});
            }
            co_return n;
        };
        auto acquire = []() -> task<int> { co_return 2; };
        auto release = [](int&) -> task<> { throw std::runtime_error("release"); };
        auto const work = [&]() -> task<int, failed> {
            co_return co_await coir::acquire_use_release(std::ref(acquire), std::ref(use), std::ref(release));
        };
        auto const end = test_scheduler{}.run(work);
        CHECK(end.is_defect() == well);
        CHECK(end.is_failure() == !well);
        CHECK(end.suppressed().size() == (well ? 0 : 1));
    }
}

TEST_CASE("if acquiring fails nothing is used or released [I10]") {
    bool called = false;
    auto other = [&](int&) -> task<> {
        called = true;
        co_return;
    };
    auto const work = [&]() -> task<void, failed> {
        co_await coir::acquire_use_release(fails(6), std::ref(other), std::ref(other));
    };
    CHECK(test_scheduler{}.run(work).error().code == 6);
    CHECK_FALSE(called);
}

TEST_CASE("nested resources are released in reverse order [I13]") {
    steps log;
    auto const named = [&](char const* what, auto use) {
        return coir::acquire_use_release([what]() -> task<char const*> { co_return what; }, use,
                                         [&log](char const*& w) { return notes::note(&log, w); });
    };
    auto innermost = [](char const*&) -> task<> { co_await never_ends(); };
    auto second = [&](char const*&) -> task<> { co_await named("second", innermost); };
    auto const work = [&]() -> task<> { co_await named("first", second); };
    CHECK(interrupted(work).is_interrupted());
    CHECK(log == steps{"second", "first"});
}

TEST_CASE("finalizers that suspend run to their ends, once, in order, before the end is seen [I14]") {
    steps log;
    auto const work = [&]() -> task<> {
        co_await coir::ensuring(coir::ensuring(never_ends(), notes{&log, "inner"}), notes{&log, "outer"});
    };
    test_scheduler s;
    auto const f = s.start(work);
    s.run_ready();
    f.request_interrupt();
    s.advance(1ms);
    CHECK(f.poll() == nullptr);
    f.request_interrupt();
    s.advance(1ms);
    CHECK(f.poll()->is_interrupted());
    CHECK(log == steps{"inner", "outer"});
}

TEST_CASE("a finalizer may fail inside and recover, and the first cause stays [I15]") {
    bool recovered = false;
    auto fin = [&]() -> task<> {
        auto const r = co_await coir::as_result(fails(1));
        recovered = !r.has_value();
    };
    CHECK(interrupted([&]() -> task<> { co_await coir::ensuring(never_ends(), std::ref(fin)); }).is_interrupted());
    CHECK(recovered);
}

TEST_CASE("what finalizers throw is kept beside the first cause, through every finalizer [I15, I24]") {
    auto thrower = []() -> task<> {
        co_await coir::yield();
        throw std::runtime_error("finalizer");
    };
    std::size_t shown = 0;
    auto look = [&](outcome<int, failed> const& end) -> task<> {
        shown = end.suppressed().size();
        co_return;
    };
    auto const work = [&]() -> task<int, failed> {
        co_return co_await coir::ensuring(coir::on_exit(coir::ensuring(fails(2), thrower), std::ref(look)), thrower);
    };
    auto const end = test_scheduler{}.run(work);
    CHECK(end.error().code == 2);
    CHECK(shown == 1);
    CHECK(end.suppressed().size() == 2);
    auto const succeeds = [&]() -> task<> { co_await coir::ensuring(coir::yield(), thrower); };
    CHECK(test_scheduler{}.run(succeeds).is_defect());
}

TEST_CASE("on_interrupt runs for interruption only and hears who asked [I16]") {
    int calls = 0;
    coir::fiber_id by;
    auto told = [&](coir::fiber_id id) -> task<> {
        co_await coir::sleep_for(1ms);
        ++calls;
        by = id;
    };
    auto const work = [&](auto what) -> task<int, failed> {
        co_await coir::on_interrupt(what(), std::ref(told));
        co_return 1;
    };
    CHECK(test_scheduler{}.run(work, [] { return fails(1); }).is_failure());
    CHECK(test_scheduler{}.run(work, [] { return coir::sleep_for(1ms); }).is_success());
    CHECK(calls == 0);
    auto const asks = [&]() -> task<> {
        auto const f = coir::fork(work, never_ends);
        co_await coir::yield();
        static_cast<void>(co_await f.interrupt());
        CHECK(by == coir::this_fiber::id());
    };
    CHECK(test_scheduler{}.run(asks).is_success());
    CHECK(calls == 1);
    CHECK_FALSE(test_scheduler{}
                    .run([&]() -> task<bool> {
                        co_return co_await coir::timeout(coir::on_interrupt(never_ends(), std::ref(told)), 1ms);
                    })
                    .value());
    CHECK(calls == 2);
}

TEST_CASE("a finalizer hears nothing of the request that it runs for [I17]") {
    bool finished = false;
    auto fin = [&]() -> task<> {
        co_await coir::checkpoint();
        co_await coir::yield();
        co_await coir::sleep_for(1ms);
        deferred<int> d;
        auto const completes = [](deferred<int>& to) -> task<> {
            co_await coir::sleep_for(1ms);
            to.succeed(1);
        };
        auto const f = coir::fork(completes, std::ref(d));
        int const n = co_await d;
        co_await f;
        finished = n == 1;
    };
    CHECK(interrupted([&]() -> task<> { co_await coir::ensuring(never_ends(), std::ref(fin)); }).is_interrupted());
    CHECK(finished);
}

TEST_CASE("a task that was interrupted does not go on, even if what it waited for comes [I20, D16]") {
    deferred<int> d;
    bool went_on = false;
    test_scheduler s;
    auto const f = s.start([&]() -> task<> {
        co_await d;
        went_on = true;
    });
    s.run_ready();
    f.request_interrupt();
    d.succeed(1);
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
    CHECK_FALSE(went_on);
}

TEST_CASE("timeouts give the value, or nothing once what they stopped has cleaned up [R9]") {
    steps log;
    test_scheduler s;
    auto const work = [&]() -> task<std::string> {
        auto const quick = []() -> task<int> {
            co_await coir::sleep_for(1ms);
            co_return 5;
        };
        std::optional<int> const v = co_await coir::timeout(quick(), 2ms);
        bool const ended = co_await coir::timeout(coir::sleep_for(1ms), 2ms);
        auto const nothing = co_await coir::timeout(coir::ensuring(quick(), notes{&log, "cleaned"}), 500us);
        log.push_back("back");
        co_return std::to_string(*v) + (ended ? "+" : "-") + (nothing.has_value() ? "+" : "-");
    };
    CHECK(s.run(work).value() == "5+-");
    CHECK(log == steps{"cleaned", "back"});
    CHECK(s.elapsed() == 1ms + 1ms + 500us + 1ms);
}

TEST_CASE("failures and defects pass through timeouts [R10]") {
    auto const work = [](auto what) -> task<int, failed> {
        auto const v = co_await coir::timeout(what(), 1s);
        co_return *v;
    };
    CHECK(test_scheduler{}.run(work, [] { return fails(3); }).error().code == 3);
    auto const dies = []() -> task<int> { throw std::runtime_error("died"); };
    CHECK(test_scheduler{}.run(work, dies).is_defect());
}

TEST_CASE("what ends at its very deadline gives its value if it was armed first [R11]") {
    auto const work = []() -> task<bool> {
        deferred<> d;
        auto const completes = [](deferred<>& to) -> task<> {
            co_await coir::sleep_for(1ms);
            to.succeed();
        };
        auto const f = coir::fork(completes, std::ref(d));
        co_await coir::yield();
        bool const first = co_await coir::timeout(d, 1ms);
        co_await f;
        co_return first;
    };
    CHECK_FALSE(test_scheduler{}.run(work).value()); // the deadline froze the wait before the value came
    auto const sleeps = []() -> task<bool> { co_return co_await coir::timeout(coir::sleep_for(1ms), 1ms); };
    CHECK_FALSE(test_scheduler{}.run(sleeps).value()); // the timeout was armed first
}

TEST_CASE("of nested timeouts that expire together the outer one gives nothing [R9]") {
    test_scheduler s;
    auto const work = []() -> task<int> {
        auto const inner = []() -> task<int> {
            auto const v = co_await coir::timeout(never_ends(), 2ms);
            co_return v ? 1 : 2;
        };
        auto const outer_first = co_await coir::timeout(inner(), 1ms);
        auto const same = co_await coir::timeout(inner(), 2ms);
        auto const inner_first = co_await coir::timeout(inner(), 3ms);
        co_return (outer_first ? 100 : 0) + (same ? 10 : 0) + inner_first.value_or(0);
    };
    CHECK(s.run(work).value() == 2);
}

TEST_CASE("timeout_fail is an ordinary failure [R13]") {
    auto const work = []() -> task<int, failed> {
        co_await coir::timeout_fail(never_ends(), 1ms, failed{8});
        co_return 0;
    };
    CHECK(test_scheduler{}.run(work).error().code == 8);
    auto const recovers = [&]() -> task<int> {
        auto const r = co_await coir::as_result(work());
        CHECK_FALSE(coir::this_fiber::interrupt_requested());
        co_await coir::sleep_for(1ms);
        co_return r.error().code;
    };
    CHECK(test_scheduler{}.run(recovers).value() == 8);
}

TEST_CASE("interrupt_when gives the value, or nothing once the signal has come [X1, X3]") {
    steps log;
    auto const work = [&]() -> task<std::string> {
        deferred<> stop;
        auto const fires = [](deferred<>& s) -> task<> {
            co_await coir::sleep_for(2ms);
            s.succeed();
        };
        auto const f = coir::fork(fires, std::ref(stop));
        bool const first = co_await coir::interrupt_when(coir::sleep_for(1ms), stop);
        bool const second = co_await coir::interrupt_when(coir::ensuring(never_ends(), notes{&log, "cleaned"}), stop);
        log.push_back("back");
        bool const third = co_await coir::interrupt_when(notes{&log, "never begun"}(), stop);
        CHECK(stop.waiter_count() == 0);
        co_await f;
        co_return std::string{first ? "+" : "-"} + (second ? "+" : "-") + (third ? "+" : "-");
    };
    CHECK(test_scheduler{}.run(work).value() == "+--");
    CHECK(log == steps{"cleaned", "back"});
}

TEST_CASE("a failure, a defect or an interruption of the signal becomes the result's [X2]") {
    for (int how = 0; how < 3; ++how) {
        auto const work = [how]() -> task<int, failed> {
            deferred<int, failed> stop;
            auto const fires = [how](deferred<int, failed>& s) -> task<> {
                co_await coir::sleep_for(1ms);
                how == 0 ? s.fail(failed{4}) : how == 1 ? s.die(std::make_exception_ptr(1)) : s.interrupt();
            };
            auto const f = coir::fork(fires, std::ref(stop));
            co_await coir::interrupt_when(never_ends(), stop);
            co_return 0;
        };
        auto const end = test_scheduler{}.run(work);
        CHECK(end.is_failure() == (how == 0));
        CHECK(end.is_defect() == (how == 1));
        CHECK(end.is_interrupted() == (how == 2));
    }
}

TEST_CASE("reference results of limited awaits are copied") {
    deferred<std::string> d;
    d.succeed("kept");
    auto const work = [&]() -> task<std::string> {
        std::optional<std::string> const copy = co_await coir::timeout(d, 1s);
        co_return *copy;
    };
    CHECK(test_scheduler{}.run(work).value() == "kept");
}

TEST_CASE("move-only values pass through masks, finalizers and limits") {
    auto const make = []() -> task<std::unique_ptr<int>, failed> { co_return std::make_unique<int>(3); };
    auto fin = []() -> task<> { co_return; };
    auto look = [](outcome<std::unique_ptr<int>, failed> const&) -> task<> { co_return; };
    auto const work = [&]() -> task<int, failed> {
        deferred<> stop;
        auto const a = co_await coir::timeout(coir::uninterruptible(make()), 1s);
        auto const b = co_await coir::interrupt_when(coir::ensuring(make(), fin), stop);
        auto const c = co_await coir::timeout_fail(coir::on_exit(make(), look), 1s, failed{1});
        auto body = [&](auto restore) -> task<std::unique_ptr<int>, failed> { co_return co_await restore(make()); };
        auto const d = co_await coir::uninterruptible_mask(body);
        co_return **a + **b + *c + *d;
    };
    CHECK(test_scheduler{}.run(work).value() == 12);
}

TEST_CASE("finalizers that are named and moved are destroyed once") {
    counted::reset();
    auto const work = []() -> task<int> {
        int ran = 0;
        auto fin = [c = counted{2}, &ran]() -> task<> {
            ran += c.value;
            co_return;
        };
        co_await coir::ensuring(coir::yield(), coir::moved(fin));
        auto body = [c = counted{3}](auto) -> task<int> { co_return c.value; };
        co_return ran + co_await coir::uninterruptible_mask(coir::moved(body));
    };
    CHECK(test_scheduler{}.run(work).value() == 5);
    CHECK(counted::alive() == 0);
}
