#include <coir/dump.hpp>

#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/blocking.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/sync/queue.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using coir::deferred;
using coir::fiber_activity;
using coir::fiber_id;
using coir::fiber_info;
using coir::fork;
using coir::fork_options;
using coir::scope;
using coir::sleep_for;
using coir::task;
using coir::test_scheduler;
using namespace std::chrono_literals;

namespace {

fiber_info named(std::vector<fiber_info> const& all, std::string const& name) {
    for (auto const& f : all) {
        if (f.name == name) {
            return f;
        }
    }
    FAIL("there is no fiber " << name);
    return {};
}

fiber_info named(coir::scheduler& s, std::string const& name) { return named(coir::snapshot(s), name); }

auto const name_of = [](std::string_view n) { return fork_options{.name = n}; };

// The site of a wait, which begins on the line after the call.
struct expected_line {
    unsigned value = 0;
    void next(unsigned line = __builtin_LINE()) { value = line + 1; }
};

task<> wait_for(deferred<> const& d) { co_await d; }

// What is awaited gives up only when it is told that it may, as a call of the system does.
class [[nodiscard]] stubborn : private coir::detail::leaf {
public:
    using value_type = void;
    using error_type = coir::never;

    explicit stubborn(std::function<void()>& may_end) : may_end_{&may_end} {}
    stubborn(stubborn&& other) noexcept : leaf(), may_end_{other.may_end_} {}

    coir::detail::status poll(coir::detail::fiber_base& f) noexcept {
        if (!begun_) {
            begun_ = true;
            f.begin_wait(this);
            return coir::detail::status::pending;
        }
        return f.end_wait() == coir::detail::wake::none ? coir::detail::status::pending
                                                        : coir::detail::status::cancelled;
    }
    void get() const noexcept {}
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    void cancel(coir::detail::fiber_base& f) noexcept override {
        *may_end_ = [&f] { f.wake_cancelled(); };
    }
    char const* what() const noexcept override { return "a stubborn call"; }

    std::function<void()>* may_end_;
    bool begun_ = false;
};

} // namespace

TEST_CASE("a snapshot tells of each fiber who it is, what it does, for what it waits and where [K9]") {
    test_scheduler s;
    deferred<> d;
    expected_line line;
    auto const child = [&]() -> task<> {
        line.next();
        co_await d;
    };
    auto const parent = s.start(name_of("parent"), [&]() -> task<> {
        auto const c = fork(name_of("child"), child);
        co_await c;
    });
    s.run_ready();

    auto const all = coir::snapshot(s);
    REQUIRE(all.size() == 2);
    CHECK(all[0].id == parent.id());
    CHECK(all[0].name == "parent");
    CHECK_FALSE(all[0].parent);
    CHECK(all[0].depth == 0);
    CHECK(all[0].state == fiber_activity::waiting);
    CHECK(all[0].waits_for == "fiber");
    CHECK(all[0].joins == all[1].id);
    CHECK_FALSE(all[0].interrupt_requested);
    CHECK(all[1].name == "child");
    CHECK(all[1].parent == parent.id());
    CHECK(all[1].depth == 1);
    CHECK(all[1].state == fiber_activity::waiting);
    CHECK(all[1].waits_for == "deferred");
    CHECK_FALSE(all[1].joins);
    CHECK(all[1].where.line() == line.value);
    CHECK_THAT(all[1].where.file_name(), EndsWith("dump.cpp"));

    d.succeed();
    s.run_ready();
    CHECK(coir::snapshot(s).empty());
    CHECK(coir::dump(s).empty());
}

TEST_CASE("a fiber is ready before it begins and after a yield, and running while it runs") {
    test_scheduler s;
    auto f = s.start(name_of("one"), [&]() -> task<> {
        CHECK(named(s, "one").state == fiber_activity::running);
        auto const other = fork(name_of("other"), [&]() -> task<> {
            CHECK(named(s, "one").state == fiber_activity::ready); // it yields
            co_await coir::yield();
            CHECK(named(s, "other").state == fiber_activity::running);
            CHECK(named(s, "one").state == fiber_activity::waiting); // it joins
        });
        CHECK(named(s, "other").state == fiber_activity::ready); // it has not begun
        co_await coir::yield();
        CHECK(named(s, "one").state == fiber_activity::running);
        CHECK(named(s, "other").state == fiber_activity::ready);
        co_await other;
        CHECK(named(s, "one").state == fiber_activity::running);
    });
    CHECK(named(s, "one").state == fiber_activity::ready);
    s.run_ready();
    CHECK(f.poll() != nullptr);
}

TEST_CASE("a fiber that was woken is ready until it runs") {
    test_scheduler s;
    deferred<> d;
    s.start(name_of("waiter"), wait_for, std::cref(d));
    s.run_ready();
    d.succeed();
    CHECK(named(s, "waiter").state == fiber_activity::ready);
    CHECK(named(s, "waiter").waits_for.empty());
    s.run_ready();
    CHECK(coir::snapshot(s).empty());
}

TEST_CASE("a yield in an operation that then waits leaves the fiber waiting") {
    // Both are polled by the loop, with no task between them.
    struct yields_and_waits : coir::detail::deferred_wait<void, coir::never> {
        explicit yields_and_waits(deferred<>& d) : deferred_wait{d.get_cell()}, first_{coir::yield()} {}
        coir::detail::status poll(coir::detail::fiber_base& f) {
            if (first_.poll(f) == coir::detail::status::pending) {
                return coir::detail::status::pending;
            }
            return deferred_wait::poll(f);
        }
        coir::detail::checking first_;
    };
    test_scheduler s;
    deferred<> d;
    s.start(name_of("waiter"), [&]() -> task<> { co_await yields_and_waits{d}; });
    s.run_ready();
    CHECK(named(s, "waiter").state == fiber_activity::waiting);
    auto const steps = s.steps();
    d.succeed();
    s.run_ready();
    CHECK(s.steps() == steps + 1);
    CHECK(coir::snapshot(s).empty());
}

TEST_CASE("masked: behind a mask, at a call that cannot be cut off, and awaiting the last children [I3]") {
    test_scheduler s;
    deferred<> d;
    SECTION("behind a mask") {
        auto const f = s.start(name_of("f"), [&]() -> task<> { co_await coir::uninterruptible(wait_for(d)); });
        s.run_ready();
        CHECK(named(s, "f").state == fiber_activity::masked);
        CHECK(named(s, "f").waits_for == "deferred");
        CHECK_THAT(coir::dump(s), Contains("(f) waits, masked, for deferred at "));

        f.request_interrupt();
        auto const asked = named(s, "f");
        CHECK(asked.state == fiber_activity::masked);
        CHECK(asked.interrupt_requested);
        CHECK_FALSE(asked.interrupted_by);
        CHECK_THAT(coir::dump(s), Contains(", asked to end\n"));
    }
    SECTION("in a finalizer, and by whom it was asked") {
        fiber_id by;
        auto const f = s.start(name_of("f"), [&]() -> task<> {
            deferred<> never;
            auto const clean_up = [&]() -> task<> { return wait_for(d); };
            co_await coir::ensuring(never, clean_up);
        });
        s.run_ready();
        s.start(name_of("g"), [&]() -> task<> {
            by = coir::this_fiber::id();
            f.request_interrupt();
            co_return;
        });
        s.run_ready();
        CHECK(named(s, "f").state == fiber_activity::masked);
        CHECK(named(s, "f").interrupt_requested);
        CHECK(named(s, "f").interrupted_by == by);
        CHECK_THAT(coir::dump(s), Contains(", asked to end by fiber " + std::to_string(by.value) + "\n"));
    }
    SECTION("awaiting the last children") {
        s.start(name_of("f"), [&]() -> task<> {
            fork(name_of("child"), [&]() -> task<> { co_await coir::uninterruptible(wait_for(d)); });
            co_await coir::yield();
        });
        s.run_ready();
        CHECK(named(s, "f").state == fiber_activity::masked);
        CHECK(named(s, "f").waits_for == "its children");
        CHECK(named(s, "f").where.line() == 0); // its frames are gone
        CHECK(named(s, "child").parent == named(s, "f").id);
        CHECK(named(s, "child").interrupted_by == named(s, "f").id);
        CHECK_THAT(coir::dump(s), Contains("(f) waits, masked, for its children\n"));
    }
    d.succeed();
    s.run_ready();
    CHECK(coir::snapshot(s).empty());
}

TEST_CASE("a blocking call is named") {
    coir::run_loop loop;
    std::atomic<bool> go_on{false};
    auto const blocked = [&]() -> task<> {
        co_await coir::blocking([&] {
            while (!go_on.load()) {
                std::this_thread::yield();
            }
        });
    };
    auto const end = loop.run([&]() -> task<> {
        auto const f = fork(name_of("blocked"), blocked);
        co_await coir::yield();
        auto const seen = named(loop, "blocked");
        CHECK(seen.state == fiber_activity::masked);
        CHECK(seen.waits_for == "a blocking call");
        go_on = true;
        co_await f;
    });
    CHECK(end.is_success());
}

TEST_CASE("cancelling: what takes its time to be given up is still named") {
    test_scheduler s;
    std::function<void()> may_end;
    expected_line line;
    auto const f = s.start(name_of("f"), [&]() -> task<> {
        line.next();
        co_await stubborn{may_end};
    });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    auto const seen = named(s, "f");
    CHECK(seen.state == fiber_activity::cancelling);
    CHECK(seen.waits_for == "a stubborn call");
    CHECK(seen.where.line() == line.value);
    CHECK(seen.interrupt_requested);
    CHECK_THAT(coir::dump(s), Contains("(f) is being cancelled, waited for a stubborn call at "));
    REQUIRE(may_end);
    may_end();
    CHECK(named(s, "f").state == fiber_activity::cancelling); // until it runs
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("the children of scopes and groups are children of the fiber that is in them") {
    test_scheduler s;
    deferred<> d;
    s.start(name_of("f"), [&]() -> task<> {
        fork(name_of("forked"), wait_for, std::cref(d));
        auto const inner = [&](scope<>& in) -> task<> {
            in.fork(wait_for, std::cref(d));
            co_await coir::when_all(wait_for(d), wait_for(d)); // the second runs in this fiber
        };
        auto const outer = [&](scope<>& out) -> task<> {
            out.fork(wait_for, std::cref(d));
            out.fork(wait_for, std::cref(d));
            co_await coir::with_scope(inner);
        };
        co_await coir::with_scope(outer);
    });
    s.run_ready();
    auto const all = coir::snapshot(s);
    REQUIRE(all.size() == 6);
    auto const f = named(all, "f").id;
    CHECK(std::count_if(all.begin(), all.end(), [&](auto const& i) { return i.parent == f && i.depth == 1; }) == 5);
    CHECK(std::all_of(all.begin(), all.end(), [](auto const& i) { return i.waits_for == "deferred"; }));
    d.succeed();
    s.run_ready();
    CHECK(coir::snapshot(s).empty());
}

TEST_CASE("where and stack are the user's, the innermost first") {
    test_scheduler s;
    deferred<> d;
    expected_line joins;
    expected_line calls;
    auto const joining = [&](std::vector<coir::fiber<>> all) -> task<> {
        joins.next();
        co_await coir::join_all(all); // a coroutine of the library
    };
    s.start(name_of("f"), [&]() -> task<> {
        std::vector<coir::fiber<>> all;
        all.push_back(fork(wait_for, std::cref(d)));
        calls.next();
        co_await joining(all);
    });
    s.run_ready();
    CHECK(named(s, "f").stack.empty());
    auto const f = named(coir::snapshot(s, {.stacks = true}), "f");
    CHECK(f.where.line() == joins.value);
    CHECK_THAT(f.where.file_name(), EndsWith("dump.cpp"));
    REQUIRE(f.stack.size() == 3);
    CHECK_THAT(f.stack[0].file_name(), !EndsWith("dump.cpp"));
    CHECK(f.stack[1].line() == joins.value);
    CHECK(f.stack[2].line() == calls.value);
    CHECK(named(coir::snapshot(s, {.stacks = true, .stack_limit = 2}), "f").stack.size() == 2);

    auto const text = coir::dump(s, {.stacks = true});
    CHECK_THAT(text, Contains("awaits at ") && Contains("dump.cpp:" + std::to_string(calls.value)));
    d.succeed();
    s.run_ready();
    CHECK(coir::snapshot(s).empty());
}

TEST_CASE("the text is a line for each, indented below its parent, the oldest first") {
    test_scheduler s;
    deferred<> d;
    expected_line line;
    auto const leaf = [&]() -> task<> {
        line.next();
        co_await d;
    };
    s.start(name_of("first"), [&]() -> task<> {
        fork(name_of("a"), leaf);
        fork(name_of("b"), leaf);
        co_await sleep_for(1h);
    });
    s.start([&]() -> task<> { co_await leaf(); });
    s.run_ready();

    auto const all = coir::snapshot(s);
    REQUIRE(all.size() == 4);
    auto const number = [&](std::size_t i) { return "fiber " + std::to_string(all[i].id.value); };
    auto const at = [&](std::size_t i) {
        return std::string{" at "} + all[i].where.file_name() + ":" + std::to_string(all[i].where.line()) + "\n";
    };
    CHECK(all[1].where.line() == line.value);
    CHECK(coir::dump(s) == number(0) + " (first) waits for sleep" + at(0) + "  " + number(1) +
                               " (a) waits for deferred" + at(1) + "  " + number(2) + " (b) waits for deferred" +
                               at(2) + number(3) + " waits for deferred" + at(3));
    d.succeed();
    s.run_ready();
    CHECK(coir::snapshot(s).size() == 1);
}

TEST_CASE("the report of a deadlock has the lines of a dump [K9]") {
    test_scheduler s;
    deferred<> never;
    s.start(name_of("parent"), [&]() -> task<> {
        auto const c = fork(name_of("child"), wait_for, std::cref(never));
        co_await coir::when_all(c.await(), coir::uninterruptible(c.await()));
    });
    s.run_ready();
    std::string indented;
    std::string const text = coir::dump(s);
    for (std::size_t begin = 0; begin < text.size();) {
        auto const end = text.find('\n', begin) + 1;
        indented.append("  ").append(text, begin, end - begin);
        begin = end;
    }
    CHECK(std::count(text.begin(), text.end(), '\n') == 3);
    std::string report;
    try {
        s.run_until([] { return false; });
    } catch (coir::deadlock_error const& e) {
        report = e.what();
    }
    CHECK_THAT(report, Contains("is expected\n" + indented + "and when"));
}

TEST_CASE("a scheduler of a user's own is dumped like any other") {
    class own_loop final : public coir::scheduler {
    public:
        void post(coir::runnable& work) noexcept override { ready.push_back(&work); }
        void arm(coir::timer&, time_point) noexcept override {}
        void disarm(coir::timer&) noexcept override {}
        void run() {
            coir::detail::worker_scope const here{*this};
            while (!ready.empty()) {
                auto* const next = ready.front();
                ready.pop_front();
                execute(*next);
            }
        }
        std::deque<coir::runnable*> ready;
    };
    own_loop loop;
    deferred<> d;
    auto const f = coir::detail::start_fiber(loop, loop.fibers(), nullptr, name_of("mine"), wait_for, std::cref(d));
    CHECK_THAT(coir::dump(loop), Contains("(mine) is ready"));
    loop.run();
    CHECK_THAT(coir::dump(loop), Contains("(mine) waits for deferred at "));
    d.succeed();
    loop.run();
    CHECK(f.poll() != nullptr);
    CHECK(coir::dump(loop).empty());
}

// ---- While a fiber is held, what comes for it is left to the walk.

TEST_CASE("what wakes or interrupts a fiber that is just being read is not lost [D17]") {
    test_scheduler s;
    deferred<> d;
    bool went_on = false;
    auto const f = s.start([&]() -> task<> {
        co_await d;
        went_on = true;
    });
    auto const masked = s.start([&]() -> task<> { co_await coir::uninterruptible(wait_for(d)); });
    s.run_ready();
    auto const walk_and = [&](auto meanwhile) {
        int held = 0;
        coir::detail::nursery_walk walk;
        walk(s.fibers(), [&](coir::detail::visited_fiber const& v) {
            held += v.held ? 1 : 0;
            if (v.fiber.id() == f.id()) {
                meanwhile();
            }
        });
        return held;
    };
    SECTION("nothing comes") {
        CHECK(walk_and([] {}) == 2);
        auto const before = s.steps();
        s.run_ready();
        CHECK(s.steps() == before);
        CHECK(f.poll() == nullptr);
        d.succeed();
    }
    SECTION("what it waits for") {
        CHECK(walk_and([&] { d.succeed(); }) == 1); // the other is woken before it is reached
        s.run_ready();
        CHECK(f.poll()->is_success());
    }
    SECTION("an interruption") {
        CHECK(walk_and([&] { f.request_interrupt(); }) == 2);
        s.run_ready();
        CHECK(f.poll()->is_interrupted());
        CHECK(d.waiter_count() == 1);
        d.succeed();
    }
    SECTION("an interruption, and then what it waits for") {
        CHECK(walk_and([&] {
                  f.request_interrupt();
                  d.succeed();
              }) == 1);
        s.run_ready();
        CHECK(went_on); // it was fired before anybody cancelled it
    }
    SECTION("an interruption of one that is masked") {
        CHECK(walk_and([&] { masked.request_interrupt(); }) == 2);
        s.run_ready();
        CHECK(masked.poll() == nullptr);
        d.succeed();
        s.run_ready();
        CHECK(masked.poll()->is_interrupted());
    }
    s.run_ready();
    CHECK(f.poll() != nullptr);
    CHECK(masked.poll() != nullptr);
}

TEST_CASE("a walk that is ended by an exception leaves everything as it was") {
    test_scheduler s;
    deferred<> d;
    deferred<> other;
    auto const parent = s.start([&]() -> task<> {
        auto const c = fork(name_of("child"), wait_for, std::cref(d));
        fork(wait_for, std::cref(other));
        co_await c;
        other.succeed();
    });
    s.run_ready();
    for (std::size_t at = 0; at < 3; ++at) {
        std::size_t visited = 0;
        coir::detail::nursery_walk walk;
        CHECK_THROWS_AS(walk(s.fibers(),
                             [&](coir::detail::visited_fiber const& v) {
                                 if (v.fiber.name() == "child") {
                                     d.succeed();
                                 }
                                 if (visited++ == at) {
                                     throw std::runtime_error{"enough"};
                                 }
                             }),
                        std::runtime_error);
    }
    s.run_ready();
    CHECK(parent.poll()->is_success());
    CHECK(coir::snapshot(s).empty());
}

TEST_CASE("wide and deep trees are walked whole, and the stack of the walk does not grow with them") {
    constexpr std::size_t count = 3000;
    test_scheduler s;
    deferred<> d;
    SECTION("wide") {
        auto const f = s.start([&]() -> task<> {
            for (std::size_t i = 1; i < count; ++i) {
                fork(wait_for, std::cref(d));
            }
            co_await d;
        });
        s.run_ready();
        CHECK(coir::snapshot(s).size() == count);
    }
    SECTION("deep") {
        std::function<task<>(std::size_t)> const nested = [&](std::size_t left) -> task<> {
            if (left > 1) {
                auto const below = fork(std::cref(nested), left - 1);
                co_await below;
            } else {
                co_await d;
            }
        };
        s.start(std::cref(nested), count);
        s.run_ready();
        auto const all = coir::snapshot(s);
        REQUIRE(all.size() == count);
        CHECK(all.back().depth == count - 1);
        for (std::size_t i = 1; i < count; ++i) {
            if (all[i].parent != all[i - 1].id || all[i - 1].joins != all[i].id) {
                FAIL("at depth " << i);
            }
        }
    }
    d.succeed();
    s.run_ready();
    CHECK(coir::snapshot(s).empty());
}

// ---- Threads.

namespace {

// Whatever is read while others run makes a tree, of known names.
std::string mistake_in(std::vector<fiber_info> const& all) {
    std::map<std::uint64_t, std::size_t> depth;
    for (auto const& f : all) {
        if (!depth.emplace(f.id.value, f.depth).second) {
            return "a fiber is listed twice";
        }
        if (f.parent ? !depth.contains(f.parent.value) || depth[f.parent.value] + 1 != f.depth : f.depth != 0) {
            return "a fiber is not below its parent";
        }
        if (f.name != "" && f.name != "a fiber with a name that is too long for a small string") {
            return "a name is garbled: " + f.name;
        }
        bool const suspended = f.state == fiber_activity::waiting || f.state == fiber_activity::masked;
        if (suspended && (f.waits_for.empty() || (f.where.line() == 0 && f.waits_for != "its children"))) {
            return "a fiber waits for nothing, nowhere";
        }
        if (f.joins && f.joins == f.id) {
            return "a fiber waits for itself";
        }
    }
    return {};
}

// Forks, joins, scopes, time limits, masks, queues and interruptions, all at once.
struct churn {
    deferred<> stop;
    std::atomic<long> ended{0};

    task<> branch(unsigned depth) {
        struct count {
            std::atomic<long>& n;
            ~count() { ++n; }
        } const at_the_end{ended};
        if (depth == 0) {
            co_await coir::yield();
            co_await sleep_for(20us);
            co_return;
        }
        auto const below = [this](unsigned d) -> task<> { return branch(d); };
        auto const longer = [this]() -> task<> { co_await coir::uninterruptible(branch(0)); };
        auto const forked = fork(name_of("a fiber with a name that is too long for a small string"), below, depth - 1);
        auto const given_up = fork(name_of(""), below, depth - 1);
        auto const dropped = fork(longer);
        co_await coir::when_all(branch(depth - 1), forked.await());
        auto const body = [&](scope<>& s) -> task<> {
            s.fork(below, depth - 1);
            s.fork(longer);
            co_await coir::timeout(coir::interrupt_when(sleep_for(1h), stop), 50us);
        };
        co_await coir::with_scope(body);
        given_up.request_interrupt();
        co_await given_up.await();
    }

    task<> ping_pong(unsigned rounds) {
        coir::queue<int> there{coir::bounded(1)};
        coir::queue<int> back{coir::bounded(1)};
        auto const echo = [&]() -> task<> {
            while (auto const v = co_await there.pop()) {
                co_await back.push(*v);
            }
        };
        auto const f = fork(echo);
        for (unsigned i = 0; i < rounds; ++i) {
            co_await there.push(1);
            static_cast<void>(co_await back.pop());
        }
        there.close();
        co_await f;
    }

    task<> everything(unsigned rounds) {
        for (unsigned i = 0; i < rounds; ++i) {
            co_await coir::when_all(branch(2), branch(2), ping_pong(50));
        }
    }
};

} // namespace

TEST_CASE("a pool is dumped from other threads while its fibers fork, join, wait and are interrupted") {
    auto const rounds = 40 * coir_test::stress_scale();
    coir::thread_pool pool{3};
    churn c;
    std::atomic<bool> done{false};
    std::atomic<long> seen{0};
    std::string mistakes[2];
    auto const read = [&](std::string& mistake) {
        while (!done.load() && mistake.empty()) {
            auto const all = coir::snapshot(pool, {.stacks = true});
            mistake = mistake_in(all);
            seen += static_cast<long>(all.size());
            std::this_thread::yield();
        }
    };
    std::thread one{read, std::ref(mistakes[0])};
    std::thread two{read, std::ref(mistakes[1])};
    auto const end = pool.run([&] { return c.everything(rounds); });
    done = true;
    one.join();
    two.join();
    CHECK(end.is_success());
    CHECK(mistakes[0] == "");
    CHECK(mistakes[1] == "");
    CHECK(seen > 0);
    CHECK(c.ended > 0);
}

TEST_CASE("fibers of a pool dump it themselves, and wake each other meanwhile") {
    auto const rounds = 300 * coir_test::stress_scale();
    coir::thread_pool pool{3};
    std::string mistake;
    auto const reader = [&]() -> task<> {
        for (unsigned i = 0; i < rounds && mistake.empty(); ++i) {
            auto const all = coir::snapshot(pool);
            mistake = mistake_in(all);
            auto const me =
                std::find_if(all.begin(), all.end(), [](auto const& f) { return f.id == coir::this_fiber::id(); });
            if (me == all.end() || me->state != fiber_activity::running) {
                mistake = "who asks does not run";
            }
            co_await coir::yield();
        }
    };
    churn c;
    auto const end =
        pool.run([&]() -> task<> { co_await coir::when_all(c.ping_pong(rounds), c.ping_pong(rounds), reader()); });
    CHECK(end.is_success());
    CHECK(mistake == "");
}
