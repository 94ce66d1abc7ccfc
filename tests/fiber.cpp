// Fibers: forking, joining, interrupting, and who ends before whom.
#include <coir/adapt.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/run_loop.hpp>
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
using coir::fiber;
using coir::fork;
using coir::outcome;
using coir::task;
using coir::test_scheduler;
using coir_test::cleans_up;
using coir_test::counted;
using coir_test::failed;
using coir_test::never_ends;
using coir_test::note;
using coir_test::steps;

namespace {

task<int, failed> fails(int code) {
    co_await coir::sleep_for(1ms);
    co_await coir::fail(failed{code});
    co_return 0;
}

task<int> dies() {
    throw std::runtime_error("died");
    co_return 0;
}

task<int> fib(int n) {
    if (n < 2) {
        co_return n;
    }
    auto a = fork(fib, n - 1);
    auto b = fork(fib, n - 2);
    int const left = co_await a;
    co_return left + co_await b;
}

// Counts what nobody looked at.
class counting_scheduler : public test_scheduler {
public:
    void on_unhandled(coir::unhandled_outcome const& what) noexcept override {
        ++unhandled;
        defects += what.defect != nullptr ? 1 : 0;
    }
    int unhandled = 0;
    int defects = 0;
};

} // namespace

TEST_CASE("nested forks and joins give the value [F1]") {
    CHECK(test_scheduler{}.run(fib, 12).value() == 144);
    CHECK(test_scheduler{7}.run(fib, 12).value() == 144);
}

TEST_CASE("a child's failure goes to who joins, and awaiting it only shows it [F2]") {
    auto const joins = []() -> task<int, failed> { co_return co_await fork(fails, 3); };
    CHECK(test_scheduler{}.run(joins).error().code == 3);
    auto const awaits = []() -> task<int> {
        auto const f = fork(fails, 4);
        auto const& end = co_await f.await();
        co_return end.error().code;
    };
    CHECK(test_scheduler{}.run(awaits).value() == 4);
}

TEST_CASE("a child's exception is a defect, thrown where it is joined [F3]") {
    auto const joins = []() -> task<std::string> {
        auto const f = fork(dies);
        CHECK((co_await f.await()).is_defect());
        try {
            co_await f;
        } catch (std::runtime_error const& e) {
            co_return e.what();
        }
        co_return "";
    };
    CHECK(test_scheduler{}.run(joins).value() == "died");
}

TEST_CASE("a fiber that has ended gives its outcome again and again [F4]") {
    auto const t = []() -> task<int> {
        auto const f = fork([]() -> task<int> { co_return 8; });
        int const a = co_await f;
        int const b = co_await f;
        auto const& c = co_await f.await();
        co_return a + b + c.value() + f.poll()->value();
    };
    CHECK(test_scheduler{}.run(t).value() == 32);
}

TEST_CASE("a value is moved out once, and a second time is a defect [F4]") {
    auto const t = []() -> task<int> {
        auto f = fork([]() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); });
        auto const copy = f;
        auto const p = co_await std::move(f);
        auto again = copy;
        auto const second = co_await coir::as_outcome(std::move(again));
        CHECK(second.is_defect());
        co_return *p;
    };
    CHECK(test_scheduler{}.run(t).value() == 5);
}

TEST_CASE("a fiber ends after its children, whose finalizers have run [F5]") {
    test_scheduler s;
    steps log;
    auto const parent = [&]() -> task<int> {
        fork(cleans_up, std::ref(log), "child");
        auto const middle = [&]() -> task<> {
            fork(cleans_up, std::ref(log), "grandchild");
            co_await never_ends();
        };
        fork(middle);
        co_await coir::yield();
        log.push_back("body");
        co_return 1;
    };
    auto const f = s.start(parent);
    s.advance(4ms);
    CHECK(f.poll() == nullptr);
    s.advance(1ms);
    CHECK(f.poll()->value() == 1);
    CHECK(log == steps{"body", "child", "grandchild"});
}

TEST_CASE("who asks while the children clean up gets the body's outcome [F5, F18]") {
    test_scheduler s;
    steps log;
    auto const f = s.start([&]() -> task<int> {
        fork(cleans_up, std::ref(log), "child");
        co_await coir::yield();
        co_return 1;
    });
    s.run_ready();
    REQUIRE(f.poll() == nullptr);
    f.request_interrupt();
    s.advance(5ms);
    CHECK(f.poll()->is_success());
}

TEST_CASE("the children of a fiber that is interrupted or fails are interrupted and awaited [F6]") {
    steps log;
    auto const parent = [&]() -> task<int, failed> {
        fork(cleans_up, std::ref(log), "child");
        co_return co_await fails(1);
    };
    CHECK(test_scheduler{}.run(parent).is_failure());
    CHECK(log.size() == 1);
    test_scheduler s;
    auto const f = s.start([&]() -> task<> {
        fork(cleans_up, std::ref(log), "child");
        co_await never_ends();
    });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll() == nullptr);
    s.advance(5ms);
    CHECK(f.poll()->is_interrupted());
    CHECK(log.size() == 2);
}

TEST_CASE("unwinding ends the children of a frame before the frame, and keeps those of its callers [F6]") {
    counted::reset();
    auto const inner = [](steps& log) -> task<int, failed> {
        counted const local{1};
        auto const child = [&log, &local]() -> task<> {
            co_await coir::ensuring(never_ends(),
                                    [&log, &local] { return note(log, 1ms, local.value == 1 ? "inner" : "gone"); });
        };
        fork(child);
        co_return co_await fails(1);
    };
    auto const outer = [&](steps& log) -> task<> {
        auto const kept = fork(cleans_up, std::ref(log), "outer");
        static_cast<void>(co_await coir::as_result(inner(log)));
        log.push_back("caller goes on");
        co_await coir::sleep_for(10ms); // longer than the child takes to clean up
        CHECK(kept.poll() == nullptr);
    };
    steps log;
    CHECK(test_scheduler{}.run(outer, std::ref(log)).is_success());
    CHECK(log == steps{"inner", "caller goes on", "outer"});
    CHECK(counted::alive() == 0);
}

TEST_CASE(
    "a daemon forked by another's finalizer as the loop ends does not hold it up, and the loop can be used again") {
    int started = 0;
    int finalized = 0;
    auto const sleeps = [&]() -> task<> {
        ++started;
        co_await coir::sleep_for(1h);
    };
    auto const forks_at_the_end = [&]() -> task<> {
        auto const last = [&]() -> task<> {
            ++finalized;
            coir::fork_daemon(sleeps);
            co_return;
        };
        co_await coir::ensuring(coir::sleep_for(1h), last);
    };
    auto const root = [&]() -> task<> {
        coir::fork_daemon(forks_at_the_end);
        co_await coir::yield();
    };
    coir::run_loop loop;
    CHECK(loop.run(root).is_success());
    CHECK(finalized == 1);
    CHECK(started == 0);
    CHECK(loop.run(root).is_success());
    CHECK(finalized == 2);
}

TEST_CASE("a daemon outlives who forked it [F7]") {
    test_scheduler s;
    bool ended = false;
    auto const daemon = [&]() -> task<> {
        co_await coir::sleep_for(5ms);
        ended = true;
    };
    auto const f = s.start([&]() -> task<> {
        coir::fork_daemon(daemon);
        co_await never_ends();
    });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
    s.advance(5ms);
    CHECK(ended);
}

TEST_CASE("a child forked in a mask can be interrupted [F12]") {
    auto const t = []() -> task<int> {
        auto const forks = []() -> task<fiber<>> { co_return fork(never_ends); };
        auto const f = co_await coir::uninterruptible(forks());
        co_await coir::yield();
        auto const& end = co_await f.interrupt();
        co_return end.is_interrupted() ? 1 : 0;
    };
    CHECK(test_scheduler{}.run(t).value() == 1);
}

TEST_CASE("interrupting waits for the finalizers and gives the real outcome [F17, F18, F19]") {
    test_scheduler s;
    steps log;
    auto const t = [&]() -> task<> {
        auto const f = fork(cleans_up, std::ref(log), "cleaned");
        co_await coir::yield();
        auto const other = fork([&f, &log]() -> task<> {
            static_cast<void>(co_await f.interrupt());
            log.push_back("second");
        });
        auto const& end = co_await f.interrupt();
        log.push_back("first");
        CHECK(end.is_interrupted());
        co_await other;
        auto const done = fork([]() -> task<int> { co_return 3; });
        co_await done;
        CHECK((co_await done.interrupt()).value() == 3);
        auto const wrong = fork(fails, 2);
        CHECK((co_await wrong.await()).is_failure());
        CHECK((co_await wrong.interrupt()).error().code == 2);
    };
    CHECK(s.run(t).is_success());
    CHECK(log == steps{"cleaned", "first", "second"});
}

TEST_CASE("an interrupted outcome names who asked first [F17]") {
    auto const t = []() -> task<> {
        auto const f = fork(never_ends);
        co_await coir::yield();
        auto const& end = co_await f.interrupt();
        CHECK(end.interrupted_by() == coir::this_fiber::id());
    };
    CHECK(test_scheduler{}.run(t).is_success());
}

TEST_CASE("asking only returns at once, and is harmless before the start and after the end [F21]") {
    bool ran = false;
    auto const t = [&]() -> task<> {
        auto const never_started = fork([&]() -> task<> {
            ran = true;
            co_return;
        });
        never_started.request_interrupt();
        never_started.request_interrupt();
        CHECK(never_started.poll() == nullptr);
        CHECK((co_await never_started.await()).is_interrupted());
        never_started.request_interrupt();
        CHECK(never_started.poll()->is_interrupted());
    };
    CHECK(test_scheduler{}.run(t).is_success());
    CHECK_FALSE(ran);
}

TEST_CASE("a fiber that interrupts itself ends at the next point, or at its end, without its value [F22]") {
    test_scheduler s;
    bool went_on = false;
    bool too_far = false;
    fiber<int> self;
    self = s.start([&]() -> task<int> {
        self.request_interrupt();
        went_on = coir::this_fiber::interrupt_requested();
        co_await coir::checkpoint();
        too_far = true;
        co_return 1;
    });
    s.run_ready();
    CHECK(self.poll()->is_interrupted());
    CHECK(went_on);
    CHECK_FALSE(too_far);
    fiber<int> at_end;
    at_end = s.start([&]() -> task<int> {
        at_end.request_interrupt();
        co_return 1;
    });
    s.run_ready();
    CHECK(at_end.poll()->is_interrupted());
    self = {};
    at_end = {};
}

TEST_CASE("a fiber that waits for its own interruption ends [F22]") {
    test_scheduler s;
    fiber<> self;
    self = s.start([&]() -> task<> { static_cast<void>(co_await self.interrupt()); });
    s.run_ready();
    CHECK(self.poll()->is_interrupted());
    self = {};
}

TEST_CASE("joining an interrupted fiber is an outcome like others, and asks nothing of the joiner [F23]") {
    auto const t = []() -> task<bool> {
        auto const f = fork(never_ends);
        f.request_interrupt();
        auto const joins = [&]() -> task<> { co_await f; };
        auto const end = co_await coir::as_outcome(joins());
        CHECK(end.is_interrupted());
        CHECK_FALSE(coir::this_fiber::interrupt_requested());
        co_await coir::sleep_for(1ms);
        co_return true;
    };
    CHECK(test_scheduler{}.run(t).value());
}

TEST_CASE("a joiner that is interrupted leaves, and the target goes on [F24]") {
    test_scheduler s;
    auto const target = s.start([]() -> task<int> {
        co_await coir::sleep_for(5ms);
        co_return 6;
    });
    auto const joins = [](fiber<int> f) -> task<int> { co_return co_await f; };
    auto const joiner = s.start(joins, target);
    auto const other = s.start(joins, target);
    s.run_ready();
    joiner.request_interrupt();
    s.run_ready();
    CHECK(joiner.poll()->is_interrupted());
    s.advance(5ms);
    CHECK(target.poll()->value() == 6);
    CHECK(other.poll()->value() == 6);
}

TEST_CASE("what nobody looked at is reported once, an interruption never [F31]") {
    counting_scheduler s;
    auto const t = []() -> task<> {
        fork(dies);
        fork(fails, 1);
        fork(never_ends);
        auto const seen = fork(fails, 2);
        co_await coir::sleep_for(5ms);
        CHECK(seen.poll()->is_failure());
    };
    CHECK(s.run(t).is_success());
    CHECK(s.unhandled == 2);
    CHECK(s.defects == 1);
}

TEST_CASE("a callable and its arguments live as long as the fiber, and are gone when its end is seen") {
    counted::reset();
    auto const t = [&]() -> task<int> {
        fiber<int> f;
        {
            auto work = [c = counted{7}](std::unique_ptr<int> p) -> task<int> {
                co_await coir::sleep_for(1ms);
                co_return c.value + *p;
            };
            f = fork(std::move(work), std::make_unique<int>(1));
        }
        CHECK(counted::alive() == 1);
        int const sum = co_await f;
        CHECK(counted::alive() == 0);
        co_return sum;
    };
    CHECK(test_scheduler{}.run(t).value() == 8);
}

TEST_CASE("a callable that throws before it returns its task is a defect") {
    auto const t = []() -> task<bool> {
        auto const f = fork([]() -> task<> { throw std::runtime_error("early"); });
        co_return (co_await f.await()).is_defect();
    };
    CHECK(test_scheduler{}.run(t).value());
}

TEST_CASE("a callable that is no coroutine may fork") {
    auto const t = []() -> task<int> {
        auto const joins = [](fiber<int> f) -> task<int> { co_return co_await f; };
        auto const plain = [&] { return joins(fork([]() -> task<int> { co_return 4; })); };
        auto const f = fork(plain);
        co_return co_await f;
    };
    CHECK(test_scheduler{}.run(t).value() == 4);
}

TEST_CASE("destructors may fork, whichever frame they leave [F5]") {
    struct forks_at_end {
        steps* log;
        ~forks_at_end() {
            if (log != nullptr) {
                fork(cleans_up, std::ref(*log), "forked late");
            }
        }
        explicit forks_at_end(steps& l) : log{&l} {}
        forks_at_end(forks_at_end&& other) noexcept : log{std::exchange(other.log, nullptr)} {}
    };
    steps log;
    auto const unwinds = [&]() -> task<int, failed> {
        forks_at_end const here{log};
        co_return co_await fails(1);
    };
    auto const returns = [&]() -> task<int> {
        forks_at_end const here{log};
        co_return 1;
    };
    auto const with_argument = [](forks_at_end) -> task<int> { co_return 1; };
    CHECK(test_scheduler{}.run(unwinds).is_failure());
    CHECK(test_scheduler{}.run(returns).is_success());
    CHECK(test_scheduler{}.run(with_argument, forks_at_end{log}).is_success());
    CHECK(log.empty()); // each was interrupted before it started
}

TEST_CASE("outside a fiber there is nothing to fork from") {
    CHECK_THROWS_AS(fork(never_ends), coir::not_in_a_fiber);
    CHECK_THROWS_AS(coir::fork_daemon(never_ends), coir::not_in_a_fiber);
    CHECK(coir::this_fiber::id() == coir::fiber_id{});
    CHECK(coir::this_fiber::name().empty());
    CHECK_FALSE(coir::this_fiber::interrupt_requested());
}

TEST_CASE("fibers have names and ids, and handles outlive the scheduler") {
    fiber<int> kept;
    {
        test_scheduler s;
        auto const t = [&]() -> task<> {
            kept = fork(coir::fork_options{.name = "worker"}, []() -> task<int> {
                CHECK(coir::this_fiber::name() == "worker");
                co_return 2;
            });
            CHECK(kept.name() == "worker");
            CHECK(kept.id() != coir::this_fiber::id());
            co_await kept;
        };
        CHECK(s.run(t).is_success());
    }
    CHECK(kept.poll()->value() == 2);
    kept.request_interrupt();
    CHECK(kept.poll()->is_success());
}

TEST_CASE("interrupting many asks all before it waits for any [F20]") {
    auto const t = []() -> task<> {
        auto const a = fork(never_ends);
        auto const waits_for_a = [](fiber<> f) -> task<> { co_await coir::uninterruptible(f.await()); };
        auto const b = fork(waits_for_a, a);
        co_await coir::yield();
        std::vector<fiber<>> const all{b, a};
        co_await coir::interrupt_all(all);
        CHECK(a.poll()->is_interrupted());
        CHECK(b.poll() != nullptr);
    };
    CHECK(test_scheduler{}.run(t).is_success());
}

TEST_CASE("ten thousand fibers are awaited and joined [F26]") {
    auto const t = []() -> task<int> {
        std::vector<fiber<int>> all;
        for (int i = 0; i < 10'000; ++i) {
            all.push_back(fork([i]() -> task<int> { co_return i; }));
        }
        co_await coir::await_all(all);
        auto const values = co_await coir::join_all(all);
        co_return values.size() == all.size() ? values.back() : -1;
    };
    CHECK(test_scheduler{}.run(t).value() == 9'999);
}

TEST_CASE("joining many ends as the first in order that did not succeed [F2]") {
    auto const t = []() -> task<std::vector<int>, failed> {
        std::vector<fiber<int, failed>> all{fork(fails, 1), fork(fails, 2)};
        co_await coir::await_all(all);
        CHECK(all.back().poll()->error().code == 2);
        co_return co_await coir::join_all(all);
    };
    CHECK(test_scheduler{}.run(t).error().code == 1);
    auto const nothing = []() -> task<> { co_await coir::join_all(std::vector<fiber<>>{}); };
    CHECK(test_scheduler{}.run(nothing).is_success());
}

TEST_CASE("the end of a fiber of which no handle stays is a copy") {
    auto const t = []() -> task<> {
        auto const gives = []() -> task<std::string> { co_return std::string(100, 'x'); };
        auto const& end = co_await fork(gives).await();
        CHECK(end.value() == std::string(100, 'x'));
        auto const& asked = co_await fork(never_ends).interrupt();
        CHECK(asked.is_interrupted());
        auto const kept = fork(gives);
        auto const& one = co_await kept.await();
        CHECK(&one == kept.poll());
    };
    CHECK(test_scheduler{}.run(t).is_success());
}

TEST_CASE("what a finalizer throws in a fiber that nobody looked at is reported [F31][I12]") {
    counting_scheduler s;
    auto const t = []() -> task<> {
        auto const child = []() -> task<> {
            auto const throws = []() -> task<> {
                co_await coir::yield();
                throw 7;
            };
            co_await coir::ensuring(coir::sleep_for(1h), throws);
        };
        fork(child);
        co_await coir::yield();
    };
    CHECK(s.run(t).is_success());
    CHECK(s.unhandled == 1);
    CHECK(s.defects == 1);
}
