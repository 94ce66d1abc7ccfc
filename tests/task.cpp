// Tasks: how they begin and end, what they accept, and what their frames leave behind.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <concepts>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using coir::outcome;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;

namespace {

struct missing {
    std::string what;
};
struct broken {
    int code;
};

task<int, broken> fails(int code) {
    co_await coir::fail(broken{code});
    co_return 0;
}

task<int, broken> fails_below(int depth, std::vector<int>& left) {
    struct leaves {
        std::vector<int>& into;
        int depth;
        ~leaves() { into.push_back(coir::is_unwinding() ? depth : -depth); }
    } const here{left, depth};
    if (depth > 0) {
        co_return co_await fails_below(depth - 1, left);
    }
    co_await coir::fail(broken{7});
    co_return 0;
}

task<int> dies() {
    throw std::runtime_error("died");
    co_return 0;
}

} // namespace

TEST_CASE("a task that is never awaited runs nothing and leaks nothing") {
    counted::reset();
    bool ran = false;
    {
        auto const make = [&](counted c) -> task<int> {
            ran = true;
            co_return c.value;
        };
        auto t = make(counted{3});
        auto moved = std::move(t);
        t = make(counted{4});
    }
    CHECK_FALSE(ran);
    CHECK(counted::alive() == 0);
}

TEST_CASE("values of every kind come back") {
    int shared = 5;
    auto const reference = [&]() -> task<int&> { co_return shared; };
    auto const move_only = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(6); };
    auto const nothing = []() -> task<> { co_return; };
    auto const nested = []() -> task<outcome<int, broken>> { co_return outcome<int, broken>::failure(broken{1}); };
    auto const all = [&]() -> task<int> {
        int& r = co_await reference();
        r = 7;
        auto const p = co_await move_only();
        co_await nothing();
        auto const o = co_await nested();
        co_return r + *p + (o.is_failure() ? 100 : 0);
    };
    CHECK(test_scheduler{}.run(all).value() == 113);
    CHECK(shared == 7);
    CHECK(test_scheduler{}.run(move_only).value() != nullptr);
    CHECK(&test_scheduler{}.run(reference).value() == &shared);
}

TEST_CASE("a value is constructed once and moved a fixed number of times") {
    counted::reset();
    auto const make = []() -> task<counted> { co_return counted{9}; };
    auto const relay = [&]() -> task<int> {
        counted const c = co_await make();
        co_return c.value;
    };
    CHECK(test_scheduler{}.run(relay).value() == 9);
    CHECK(counted::constructed() == 1);
    CHECK(counted::copies() == 0);
    CHECK(counted::moves() <= 2);
    CHECK(counted::alive() == 0);
}

TEST_CASE("a failure destroys the frames between it and who looks, innermost first, throwing nothing") {
    std::vector<int> left;
    auto const look = [&]() -> task<int> {
        auto const r = co_await coir::as_result(fails_below(3, left));
        CHECK(std::uncaught_exceptions() == 0);
        co_return r.error().code;
    };
    CHECK(test_scheduler{}.run(look).value() == 7);
    CHECK(left == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE("catch sees neither failure nor interruption, but defects") {
    bool caught = false;
    auto const tries = [&]() -> task<int, broken> {
        try {
            co_return co_await fails(1);
        } catch (...) {
            caught = true;
        }
        co_return 0;
    };
    CHECK(test_scheduler{}.run(tries).error().code == 1);
    CHECK_FALSE(caught);

    auto const recovers = []() -> task<std::string> {
        try {
            co_await dies();
        } catch (std::runtime_error const& e) {
            co_return e.what();
        }
        co_return "";
    };
    CHECK(test_scheduler{}.run(recovers).value() == "died");
    CHECK(test_scheduler{}.run(dies).is_defect());

    test_scheduler s;
    auto const f = s.start([&]() -> task<> {
        try {
            coir::deferred<> never;
            co_await never;
        } catch (...) {
            caught = true;
        }
    });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
    CHECK_FALSE(caught);
}

TEST_CASE("an error becomes an alternative of the awaiting task's errors") {
    using either = coir::errors<missing, broken>;
    auto const wide = []() -> task<int, either> { co_return co_await fails(2); };
    auto const wider = [&]() -> task<int, coir::errors<std::string, missing, broken>> { co_return co_await wide(); };
    auto const end = test_scheduler{}.run(wider);
    REQUIRE(end.is_failure());
    CHECK(std::get<broken>(end.error()).code == 2);
}

TEST_CASE("co_return fail ends a task with a value type too") {
    auto const t = [](bool well) -> task<int, missing> {
        if (!well) {
            co_return coir::fail<missing>(std::string(40, 'x'));
        }
        co_return 1;
    };
    CHECK(test_scheduler{}.run(t, true).value() == 1);
    CHECK(test_scheduler{}.run(t, false).error().what.size() == 40);
}

TEST_CASE("errors that are made in place or moved are destroyed once") {
    struct heavy {
        explicit heavy(int n) : c{n} {}
        counted c;
    };
    counted::reset();
    auto const t = []() -> task<int, heavy> {
        co_await coir::fail<heavy>(3);
        co_return 0;
    };
    auto const look = [&]() -> task<int> {
        auto const r = co_await coir::as_result(t());
        co_return r.error().c.value;
    };
    CHECK(test_scheduler{}.run(look).value() == 3);
    CHECK(counted::alive() == 0);
    CHECK(counted::copies() == 0);
}

TEST_CASE("an exception while an error is converted is a defect, not a crash") {
    using coir_test::throws_on_copy;
    throws_on_copy::armed() = false;
    auto const t = []() -> task<int, throws_on_copy> {
        auto e = coir::fail<throws_on_copy>(1);
        throws_on_copy::armed() = true;
        co_await std::move(e);
        co_return 0;
    };
    auto const outer = [&]() -> task<int, throws_on_copy> { co_return co_await t(); };
    test_scheduler s;
    auto const f = s.start(outer);
    s.run_ready();
    throws_on_copy::armed() = false;
    CHECK(f.poll()->is_defect());
}

TEST_CASE("a hundred thousand failures and a million successes deep in a loop do not grow the stack") {
    auto const one = [](int n) -> task<int> { co_return n; };
    auto const loop = [&]() -> task<long> {
        long sum = 0;
        for (int i = 0; i < 1'000'000; ++i) {
            sum += co_await one(1);
        }
        for (int i = 0; i < 100'000; ++i) {
            auto const r = co_await coir::as_result(fails(1));
            sum += r.error().code;
        }
        co_return sum;
    };
    CHECK(test_scheduler{}.run(loop).value() == 1'100'000);
}

TEST_CASE("a deep recursion of tasks returns, and one that fails unwinds, without recursion on the stack") {
    struct deep {
        static task<int, broken> down(int n, bool well) {
            if (n == 0) {
                if (!well) {
                    co_await coir::fail(broken{3});
                }
                co_return 0;
            }
            int const below = co_await down(n - 1, well);
            co_return below + 1;
        }
    };
    constexpr int depth = 100'000;
    CHECK(test_scheduler{}.run(&deep::down, depth, true).value() == depth);
    CHECK(test_scheduler{}.run(&deep::down, depth, false).error().code == 3);
}

TEST_CASE("an interrupted fiber's frames are destroyed at the suspension point, temporaries too") {
    counted::reset();
    test_scheduler s;
    auto const holds = [](counted const& c) -> task<int> {
        coir::deferred<> never;
        co_await never;
        co_return c.value;
    };
    auto const outer = [&]() -> task<int> { co_return co_await holds(counted{4}); };
    auto const f = s.start(outer);
    s.run_ready();
    CHECK(counted::alive() == 1);
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
    CHECK(counted::alive() == 0);
}

TEST_CASE("a task that was awaited before, or moved from, is a defect and not a wait without end") {
    auto const root = []() -> task<> {
        auto const gives = []() -> task<int> { co_return 1; };
        auto t = gives();
        int const once = co_await std::move(t);
        CHECK(once == 1);
        bool caught = false;
        try {
            static_cast<void>(co_await std::move(t));
        } catch (coir::spent_task const&) {
            caught = true;
        }
        CHECK(caught);
        auto const end = co_await coir::as_outcome(coir::timeout(std::move(t), std::chrono::seconds{1}));
        CHECK(end.is_defect());
        auto const forked = coir::fork(std::move(t));
        auto const& ended = co_await forked.await();
        CHECK(ended.is_defect());
    };
    CHECK(test_scheduler{}.run(root).is_success());
}
