// What holds for fibers and for several awaitables at once wherever they run. Interruption has a
// file of its own. Nothing here depends on time: what comes first is said by deferreds.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/time.hpp>

#include "conformance/every_scheduler.hpp"
#include "conformance/fiber_scenes.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace coir_test::fiber_scenes;
using coir::max_concurrency;
using coir::scope;

namespace {

task<int> fib(int n) {
    if (n < 2) {
        co_return n;
    }
    auto const a = fork(fib, n - 1);
    auto const b = fork(fib, n - 2);
    int const left = co_await a;
    int const right = co_await b;
    co_return left + right;
}

} // namespace

TEST_CASE("everywhere: nested forks and joins give the value [F1]") {
    on_every_scheduler([](place const& at) -> task<> {
        int const n = at.test == nullptr ? 20 : 10;
        int const value = co_await fib(n);
        CHECK(value == (at.test == nullptr ? 6765 : 55));
    });
}

TEST_CASE("everywhere: a child's failure and defect go to who joins, and awaiting it only shows them [F2 F3 F4]") {
    on_every_scheduler([](place const&) -> task<> {
        auto const failing = fork(fails, 3);
        auto const joins = [&]() -> task<int, failed> { co_return co_await failing; };
        auto const joined = co_await coir::as_outcome(joins());
        CHECK(joined.error() == failed{3});
        auto const dying = fork(dies);
        bool thrown = false;
        try {
            static_cast<void>(co_await dying);
        } catch (std::runtime_error const&) {
            thrown = true;
        }
        CHECK(thrown);
        for (int again = 0; again < 3; ++again) {
            auto const& failure = co_await failing.await();
            CHECK(failure.error() == failed{3});
            auto const& defect = co_await dying.await();
            CHECK(defect.is_defect());
            CHECK(failing.poll() == &failure);
        }
    });
}

TEST_CASE("everywhere: a fiber's end is seen after its children have cleaned up, however it ends [F5 F6]") {
    on_every_scheduler([](place const&) -> task<> {
        for (int how = 0; how < 4; ++how) {
            traces t;
            auto const parent = [&t, how]() -> task<int, failed> {
                fork(cleans_up, std::ref(t));
                auto const middle = [&t]() -> task<> {
                    fork(cleans_up, std::ref(t));
                    co_await cleans_up(t);
                };
                fork(middle);
                co_await until(t.begun, 3);
                switch (how) {
                case 0: co_return 1;
                case 1: co_await coir::fail(failed{2}); break;
                case 2: throw std::runtime_error("died");
                default: ++t.waiting;
                }
                co_await never_ends();
                co_return 0;
            };
            auto const f = fork(parent);
            if (how == 3) {
                co_await until(t.waiting, 1);
                f.request_interrupt();
            }
            auto const& end = co_await f.await();
            CHECK(t.cleaned == 3);
            CHECK(static_cast<int>(end.kind()) == how);
        }
    });
}

TEST_CASE("everywhere: unwinding a frame ends the children forked under it, and no others [F6]") {
    on_every_scheduler([](place const&) -> task<> {
        traces mine;
        traces callers;
        auto const inner = [&]() -> task<int, failed> {
            fork(cleans_up, std::ref(mine));
            co_await until(mine.begun, 1);
            co_return co_await fails(1);
        };
        auto const outer = [&]() -> task<bool> {
            auto const kept = fork(cleans_up, std::ref(callers));
            co_await until(callers.begun, 1);
            auto const r = co_await coir::as_result(inner());
            co_return !r.has_value() && mine.cleaned == 1 && kept.poll() == nullptr;
        };
        bool const right = co_await outer();
        CHECK(right);
    });
}

TEST_CASE("everywhere: a daemon outlives who forked it [F7]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<> go;
        deferred<int> done;
        auto const daemon = [&]() -> task<> {
            co_await go;
            done.succeed(7);
        };
        auto const parent = [&]() -> task<> {
            coir::fork_daemon(daemon);
            co_await never_ends();
        };
        auto const f = fork(parent);
        co_await until_waiting(go, 1);
        co_await f.interrupt();
        CHECK_FALSE(done.is_done());
        go.succeed();
        int const n = co_await done;
        CHECK(n == 7);
    });
}

TEST_CASE("everywhere: a scope ends after its children, awaited or interrupted [F8]") {
    on_every_scheduler([](place const&) -> task<> {
        std::atomic<int> ended{0};
        auto normal = [&](scope<>& s) -> task<int> {
            for (int i = 0; i < 4; ++i) {
                s.fork([&]() -> task<> {
                    co_await coir::yield();
                    s.fork(adds, std::ref(ended));
                    ++ended;
                });
            }
            co_return 5;
        };
        int const value = co_await coir::with_scope(normal);
        CHECK(value == 5);
        CHECK(ended == 8);
        traces t;
        auto failing = [&](scope<failed>& s) -> task<int, failed> {
            s.fork(cleans_up, std::ref(t));
            s.fork(cleans_up, std::ref(t));
            co_await until(t.begun, 2);
            s.fork(fails, 9);
            co_await cleans_up(t);
            co_return 0;
        };
        auto const end = co_await coir::as_result(coir::with_scope<failed>(failing));
        CHECK(end.error() == failed{9});
        CHECK(t.cleaned == t.begun);
    });
}

TEST_CASE("everywhere: on a closed scope a child ends interrupted without starting [F9]") {
    on_every_scheduler([](place const&) -> task<> {
        std::atomic<int> ran{0};
        bool interrupted = false;
        auto body = [&](scope<>& s) -> task<> {
            s.add_finalizer([&]() -> task<> {
                auto const late = s.fork(adds, std::ref(ran));
                auto const& end = co_await late.await();
                interrupted = end.is_interrupted();
            });
            co_return;
        };
        co_await coir::with_scope(body);
        CHECK(interrupted);
        CHECK(ran == 0);
    });
}

TEST_CASE("everywhere: a scope holds nothing of a child that has ended [F10]") {
    on_every_scheduler([](place const&) -> task<> {
        auto const kept = std::make_shared<int>(0);
        auto body = [&](scope<>& s) -> task<> {
            std::vector<fiber<>> children;
            for (int i = 0; i < 20; ++i) {
                children.push_back(s.fork([kept]() -> task<> { co_await coir::yield(); }));
            }
            co_await coir::await_all(children);
            CHECK(kept.use_count() == 1);
            while (s.size() != 0) {
                co_await coir::yield();
            }
        };
        co_await coir::with_scope(body);
        CHECK(kept.use_count() == 1);
    });
}

TEST_CASE("everywhere: many interrupters of a fiber see the same end, after its finalizers [F17 F18 F19]") {
    on_every_scheduler([](place const&) -> task<> {
        traces t;
        auto const f = fork(cleans_up, std::ref(t));
        co_await until(t.begun, 1);
        auto const interrupts = [&]() -> task<bool> {
            auto const& end = co_await f.interrupt();
            co_return end.is_interrupted() && t.cleaned == 1;
        };
        std::vector<fiber<bool>> const all{fork(interrupts), fork(interrupts), fork(interrupts)};
        auto const saw = co_await coir::join_all(all);
        CHECK(saw == std::vector{true, true, true});
        auto const done = fork(fib, 3);
        co_await done;
        auto const& value = co_await done.interrupt();
        CHECK(value.value() == 2);
        auto const wrong = fork(fails, 4);
        co_await wrong.await();
        auto const& failure = co_await wrong.interrupt();
        CHECK(failure.error() == failed{4});
    });
}

TEST_CASE("everywhere: interrupting many asks all before it waits for any [F20]") {
    on_every_scheduler([](place const&) -> task<> {
        auto const a = fork(never_ends);
        auto const waits_for_a = [](fiber<> f) -> task<> { co_await coir::uninterruptible(f.await()); };
        std::vector<fiber<>> const all{fork(waits_for_a, a), a, fork(waits_for_a, a)};
        co_await coir::yield();
        co_await coir::interrupt_all(all);
        for (auto const& f : all) {
            CHECK(f.poll() != nullptr);
        }
        CHECK(a.poll()->is_interrupted());
    });
}

TEST_CASE("everywhere: asking only does not wait [F21]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<> gate;
        auto const masked = [&]() -> task<> { co_await coir::uninterruptible(gate); };
        auto const f = fork(masked);
        co_await until_waiting(gate, 1);
        f.request_interrupt();
        CHECK(f.poll() == nullptr);
        gate.succeed();
        auto const& end = co_await f.await();
        CHECK(end.is_interrupted());
    });
}

TEST_CASE("everywhere: a fiber that interrupts itself ends at its next point, or at its end, without its value [F22]") {
    on_every_scheduler([](place const&) -> task<> {
        for (bool const checks : {true, false}) {
            fiber<int> self;
            deferred<> known;
            bool went_on = false;
            bool too_far = false;
            auto const work = [&]() -> task<int> {
                co_await known;
                self.request_interrupt();
                went_on = coir::this_fiber::interrupt_requested();
                if (checks) {
                    co_await coir::checkpoint();
                    too_far = true;
                }
                co_return 1;
            };
            self = fork(work);
            known.succeed();
            auto const& end = co_await self.await();
            CHECK(end.is_interrupted());
            CHECK(went_on);
            CHECK_FALSE(too_far);
        }
    });
}

TEST_CASE("everywhere: joining an interrupted fiber is an outcome like others, and asks nothing of the joiner [F23]") {
    on_every_scheduler([](place const&) -> task<> {
        auto const f = fork(never_ends);
        f.request_interrupt();
        auto const joins = [&]() -> task<> { co_await f; };
        auto const end = co_await coir::as_outcome(joins());
        CHECK(end.is_interrupted());
        CHECK_FALSE(coir::this_fiber::interrupt_requested());
        auto const in_a_fiber = fork(joins);
        auto const& same = co_await in_a_fiber.await();
        CHECK(same.is_interrupted());
        co_await coir::checkpoint();
    });
}

TEST_CASE("everywhere: a joiner that is interrupted leaves, and the target goes on [F24]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int> gate;
        auto const waits = [&]() -> task<int> { co_return co_await gate; };
        auto const target = fork(waits);
        auto const joins = [&]() -> task<int> { co_return co_await target; };
        auto const leaves = fork(joins);
        auto const stays = fork(joins);
        co_await until_waiting(gate, 1);
        co_await leaves.interrupt();
        CHECK(leaves.poll()->is_interrupted());
        CHECK(target.poll() == nullptr);
        gate.succeed(6);
        int const got = co_await stays;
        CHECK(got == 6);
        CHECK(target.poll()->value() == 6);
    });
}

TEST_CASE("everywhere: ten thousand fibers are awaited, joined and interrupted [F20 F26]") {
    on_every_scheduler(
        [](place const&) -> task<> {
            std::vector<fiber<int>> all;
            for (int i = 0; i < 10'000; ++i) {
                all.push_back(fork(fib, i % 2));
            }
            co_await coir::await_all(all);
            auto const values = co_await coir::join_all(all);
            CHECK(values.size() == all.size());
            CHECK(std::ranges::count(values, 1) == 5'000);
            std::vector<fiber<>> waiting;
            for (int i = 0; i < 10'000; ++i) {
                waiting.push_back(fork(never_ends));
            }
            co_await coir::interrupt_all(waiting);
            bool const ended = std::ranges::all_of(waiting, [](auto const& f) { return f.poll()->is_interrupted(); });
            CHECK(ended);
        },
        1);
}

TEST_CASE("everywhere: race gives the first success once the losers have cleaned up [R1 R2 R3]") {
    on_every_scheduler([](place const&) -> task<> {
        traces t;
        auto const wins = [&]() -> task<int, failed> {
            co_await until(t.begun, 2);
            co_return 8;
        };
        auto const loses = [&]() -> task<int, failed> {
            co_await cleans_up(t);
            co_return 0;
        };
        auto const first = co_await coir::as_result(coir::race(loses(), fails(1), wins(), loses()));
        CHECK(first.value() == 8);
        CHECK(t.cleaned == 2);
        deferred<> first_failed;
        auto const fails_first = [&]() -> task<int, failed> {
            co_await coir::ensuring(fails(1), [&]() -> task<> {
                first_failed.succeed();
                co_return;
            });
            co_return 0;
        };
        auto const fails_last = [&]() -> task<int, failed> {
            co_await first_failed;
            co_await coir::yield();
            co_return co_await fails(2);
        };
        // On several threads the end of the first may come after that of the last.
        auto const nobody = co_await coir::as_result(coir::race(fails_first(), fails_last()));
        CHECK_FALSE(nobody.has_value());
    });
}

TEST_CASE("everywhere: when_any ends as the first did, and with it what the others began and forked [R4 R8]") {
    on_every_scheduler([](place const&) -> task<> {
        traces t;
        auto const loses = [&]() -> task<int, failed> {
            fork(cleans_up, std::ref(t));
            co_await cleans_up(t);
            co_return 0;
        };
        auto const fails_when_begun = [&]() -> task<int, failed> {
            fork(cleans_up, std::ref(t));
            co_await until(t.begun, 5);
            co_return co_await fails(3);
        };
        auto const end = co_await coir::as_result(coir::when_any(loses(), fails_when_begun(), loses()));
        CHECK(end.error() == failed{3});
        CHECK(t.cleaned == 5);
    });
}

TEST_CASE("everywhere: once the first has ended in place, none is started any more [R5]") {
    on_every_scheduler([](place const&) -> task<> {
        std::atomic<int> started{0};
        auto const at_once = [&](int v) -> task<int, failed> {
            ++started;
            if (v < 0) {
                co_await coir::fail(failed{v});
            }
            co_return v;
        };
        auto const any = co_await coir::as_result(coir::when_any(at_once(1), at_once(2)));
        auto const raced = co_await coir::as_result(coir::race(at_once(-1), at_once(3), at_once(4)));
        CHECK(any.value() == 1);
        CHECK(raced.value() == 3);
        CHECK(started == 3);
    });
}

TEST_CASE("everywhere: interrupting a combination interrupts and awaits all that runs in it [R6]") {
    on_every_scheduler([](place const&) -> task<> {
        for (int how = 0; how < 4; ++how) {
            traces t;
            auto const work = [&t, how]() -> task<> {
                switch (how) {
                case 0: co_await coir::race(cleans_up(t), cleans_up(t)); break;
                case 1: co_await coir::when_any(cleans_up(t), cleans_up(t)); break;
                case 2: co_await coir::when_all(cleans_up(t), cleans_up(t)); break;
                default: {
                    auto const each = [&t](int) { return cleans_up(t); };
                    std::vector<int> const two(2);
                    co_await coir::for_each(two, each, max_concurrency{2});
                }
                }
            };
            auto const f = fork(work);
            co_await until(t.begun, 2);
            auto const& end = co_await f.interrupt();
            CHECK(end.is_interrupted());
            CHECK(t.cleaned == 2);
        }
    });
}

TEST_CASE("everywhere: a loser that cannot be interrupted delays the result [R7]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<> gate;
        std::atomic<bool> finished{false};
        auto const loses = [&]() -> task<int> {
            while (!coir::this_fiber::interrupt_requested()) {
                co_await coir::yield();
            }
            co_await gate; // it knows that it has lost, and takes its time
            finished = true;
            co_return 2;
        };
        auto const wins = []() -> task<int> {
            co_await coir::yield();
            co_return 1;
        };
        auto const work = [&]() -> task<int> { co_return co_await coir::race(coir::uninterruptible(loses()), wins()); };
        auto const f = fork(work);
        co_await until_waiting(gate, 1);
        for (int i = 0; i < 5; ++i) {
            co_await coir::yield();
        }
        CHECK(f.poll() == nullptr);
        gate.succeed();
        int const first = co_await f;
        CHECK(first == 1);
        CHECK(finished);
    });
}

TEST_CASE("everywhere: when_all gives the values in order, whoever ends first [R14 R18]") {
    on_every_scheduler([](place const&) -> task<> {
        deferred<int> second;
        deferred<int> third;
        auto const ends = [&]() -> task<int> {
            third.succeed(3);
            co_return 3;
        };
        auto const passes_on = [&]() -> task<int> {
            int const n = co_await third;
            second.succeed(n - 1);
            co_return n - 1;
        };
        auto const waits = [&]() -> task<int> { co_return co_await second - 1; };
        auto const [a, b, c] = co_await coir::when_all(waits(), passes_on(), ends());
        CHECK(std::tuple{a, b, c} == std::tuple{1, 2, 3});
        std::vector<task<int>> many;
        for (int i = 0; i < 8; ++i) {
            many.push_back(fib(i));
        }
        auto const values = co_await coir::when_all(std::move(many));
        CHECK(values == std::vector{0, 1, 1, 2, 3, 5, 8, 13});
        std::vector<task<int>> none;
        auto const nothing = co_await coir::when_all(std::move(none));
        CHECK(nothing.empty());
    });
}

TEST_CASE("everywhere: one that does not succeed ends when_all, after the others have cleaned up [R15]") {
    on_every_scheduler([](place const&) -> task<> {
        for (int how = 1; how < 4; ++how) {
            traces t;
            deferred<int, failed> interrupted;
            interrupted.interrupt();
            auto const ends = [&, how]() -> task<int, failed> {
                co_await until(t.begun, 2);
                switch (how) {
                case 1: co_return co_await fails(5);
                case 2: throw std::runtime_error("died");
                default: co_return co_await interrupted;
                }
            };
            auto const end = co_await coir::as_outcome(coir::when_all(cleans_up(t), ends(), cleans_up(t)));
            CHECK(static_cast<int>(end.kind()) == how);
            CHECK(t.cleaned == 2);
        }
    });
}

TEST_CASE("everywhere: for_each keeps its limit, and goes on as soon as one has ended [R16 R18]") {
    on_every_scheduler([](place const&) -> task<> {
        std::atomic<int> running{0};
        std::atomic<int> most{0};
        deferred<> last;
        auto const each = [&](int n) -> task<int> {
            int const now = ++running;
            for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
            }
            co_await coir::yield();
            if (n == 0) {
                co_await last; // all others run beside this one
            }
            if (n == 9) {
                last.succeed();
            }
            --running;
            co_return n* n;
        };
        std::vector<int> in(10);
        for (int i = 0; i < 10; ++i) {
            in[static_cast<std::size_t>(i)] = i;
        }
        auto const out = co_await coir::for_each(in, each, max_concurrency{2});
        CHECK(out == std::vector{0, 1, 4, 9, 16, 25, 36, 49, 64, 81});
        CHECK(most <= 2);
        std::vector<int> const none;
        auto const nothing = co_await coir::for_each(none, each, max_concurrency{2});
        CHECK(nothing.empty());
    });
}

TEST_CASE("everywhere: a function that throws in for_each is a defect, after those that run have cleaned up [R17]") {
    on_every_scheduler([](place const&) -> task<> {
        traces t;
        std::atomic<int> called{0};
        auto const each = [&](int n) {
            ++called;
            if (n == 2) {
                throw std::runtime_error("no task for this");
            }
            return n == 1 ? ends_when(t.begun, 1) : cleans_up(t);
        };
        std::vector<int> const in{0, 1, 2, 3, 4};
        auto const end = co_await coir::as_outcome(coir::for_each(in, each, max_concurrency{2}));
        CHECK(end.is_defect());
        CHECK(t.cleaned == t.begun);
        CHECK(t.begun == 1);
        CHECK(called == 3);
    });
}
