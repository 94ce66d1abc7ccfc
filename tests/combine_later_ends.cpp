// Who fails or dies after the first cause, in what runs several things at once: it is kept beside the cause.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/suppressed_failure.hpp>
#include <coir/testing/explore.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using coir::task;
using coir::test_scheduler;
using coir_test::failed;
using coir_test::fails_after;
using coir_test::never_ends;
using coir_test::steps;

namespace {

// Cannot be stopped: it ends after the first cause, and in its own way.
task<int, failed> stubborn(std::chrono::milliseconds d, int code) {
    co_return co_await coir::uninterruptible(fails_after(d, code));
}
task<int, failed> dies_after(std::chrono::milliseconds d, char const* what) {
    auto const body = [d, what]() -> task<int, failed> {
        co_await coir::sleep_for(d);
        throw std::runtime_error{what};
        co_return 0;
    };
    co_return co_await coir::uninterruptible(body());
}
task<int, failed> cleans_up_badly(char const* what) {
    auto const clean = [what]() -> task<> {
        co_await coir::yield();
        throw std::runtime_error{what};
    };
    co_await coir::ensuring(never_ends(), clean);
    co_return 0;
}
task<int, failed> fails_and_cleans_up_badly(char const* what) {
    auto const clean = [what]() -> task<> {
        co_await coir::yield();
        throw std::runtime_error{what};
    };
    co_return co_await coir::ensuring(fails_after(1ms, 1), clean);
}

// What is beside the cause, in alphabetical order.
template <class Outcome>
steps beside(Outcome const& end) {
    steps all;
    for (auto const& thrown : end.suppressed()) {
        try {
            std::rethrow_exception(thrown);
        } catch (coir::suppressed_failure<failed> const& later) {
            all.push_back(std::to_string(later.error().code));
        } catch (std::runtime_error const& later) {
            all.push_back(later.what());
        }
    }
    std::sort(all.begin(), all.end());
    return all;
}

template <class Make>
auto run(Make make) {
    using made = std::invoke_result_t<Make&>;
    auto const t = [](Make m) -> task<coir::await_value_t<made>, coir::await_error_t<made>> { co_return co_await m(); };
    return test_scheduler{}.run(t, std::move(make));
}

template <class... Tasks>
std::vector<task<int, failed>> list_of(Tasks... tasks) {
    std::vector<task<int, failed>> all;
    (all.push_back(std::move(tasks)), ...);
    return all;
}

} // namespace

TEST_CASE("what fails or dies after the first in when_all is beside it [R15][I12]") {
    SECTION("the first was queued") {
        auto const end =
            run([] { return coir::when_all(fails_after(1ms, 1), stubborn(2ms, 2), dies_after(3ms, "here")); });
        CHECK(end.error().code == 1);
        CHECK(beside(end) == steps{"2", "here"});
    }
    SECTION("the first ran here") {
        auto const end =
            run([] { return coir::when_all(stubborn(2ms, 2), dies_after(3ms, "queued"), fails_after(1ms, 1)); });
        CHECK(end.error().code == 1);
        CHECK(beside(end) == steps{"2", "queued"});
    }
    SECTION("the first died") {
        auto const end = run([] { return coir::when_all(dies_after(1ms, "first"), dies_after(2ms, "second")); });
        CHECK_THROWS_WITH(std::rethrow_exception(end.defect()), "first");
        CHECK(beside(end) == steps{"second"});
    }
    SECTION("both at the same time") {
        auto const end = run([] { return coir::when_all(fails_after(1ms, 1), fails_after(1ms, 2)); });
        CHECK(end.is_failure());
        CHECK(beside(end) == steps{std::to_string(3 - end.error().code)});
    }
    SECTION("nothing else") {
        auto const end = run([] { return coir::when_all(fails_after(1ms, 1), coir::sleep_for(1h)); });
        CHECK(end.error().code == 1);
        CHECK(end.suppressed().empty());
    }
}

TEST_CASE("what fails or dies after the first in when_all of a range, or in for_each, is beside it [R15][I12]") {
    auto const range =
        run([] { return coir::when_all(list_of(stubborn(3ms, 3), fails_after(1ms, 1), dies_after(2ms, "dead"))); });
    CHECK(range.error().code == 1);
    CHECK(beside(range) == steps{"3", "dead"});

    auto const call = [](int n) { return stubborn(std::chrono::milliseconds{n}, n); };
    std::vector const elements{1, 2, 3};
    auto const each = run([&] { return coir::for_each(elements, call, coir::max_concurrency{3}); });
    CHECK(each.error().code == 1);
    CHECK(beside(each) == steps{"2", "3"});
}

TEST_CASE("what finalizers of members throw is in the outcome of when_all and when_any [I12]") {
    CHECK(beside(run([] { return coir::when_all(fails_after(1ms, 1), cleans_up_badly("a"), cleans_up_badly("b")); })) ==
          steps{"a", "b"});
    CHECK(beside(run([] { return coir::when_all(fails_and_cleans_up_badly("own"), never_ends()); })) == steps{"own"});
    CHECK(beside(run([] { return coir::when_all(list_of(fails_and_cleans_up_badly("own"), cleans_up_badly("a"))); })) ==
          steps{"a", "own"});
    CHECK(beside(run([] { return coir::when_any(fails_and_cleans_up_badly("own"), cleans_up_badly("a")); })) ==
          steps{"a", "own"});
    CHECK(beside(run([] { return coir::when_any(list_of(fails_and_cleans_up_badly("own"), cleans_up_badly("a"))); })) ==
          steps{"a", "own"});
    // A race that nobody wins ends as the last did; the others came before it.
    CHECK(beside(run([] { return coir::race(fails_after(0ms, 2), fails_and_cleans_up_badly("own")); })) ==
          steps{"own"});
}

TEST_CASE("a success has nothing beside it, whatever the losers do [R1][R4]") {
    auto const wins = []() -> task<int, failed> {
        co_await coir::sleep_for(1ms);
        co_return 7;
    };
    auto const any = run([&] { return coir::when_any(dies_after(2ms, "loser"), wins()); });
    CHECK(any.value() == 7);
    CHECK(any.suppressed().empty());
}

TEST_CASE("all_settled shows each with what is beside it, and has nothing itself [I12]") {
    auto const end = run([] { return coir::all_settled(fails_and_cleans_up_badly("one"), fails_after(1ms, 2)); });
    auto const& [one, two] = end.value();
    CHECK(beside(one) == steps{"one"});
    CHECK(two.error().code == 2);
    CHECK(two.suppressed().empty());
    CHECK(end.suppressed().empty());
}

TEST_CASE("what dies while an interrupted when_all is left is beside the interruption [I12]") {
    test_scheduler s;
    auto const work = []() -> task<void, failed> {
        co_await coir::when_all(dies_after(5ms, "queued"), dies_after(6ms, "here"));
    };
    auto const f = s.start(work);
    s.advance(1ms);
    f.request_interrupt();
    s.advance(10ms);
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->is_defect());
    CHECK(beside(*f.poll()) == steps{"here"});
}

TEST_CASE("whoever comes second is beside the first, in every order and on several threads [R15]") {
    auto const both = []() -> task<std::tuple<int, int>, failed> {
        co_return co_await coir::when_all(stubborn(1ms, 1), stubborn(1ms, 2));
    };
    coir::explore(coir_test::seeds(), [&](test_scheduler& s) {
        auto const end = s.run(both);
        CHECK(beside(end) == steps{std::to_string(3 - end.error().code)});
    });
    coir::thread_pool pool{2};
    int right = 0;
    for (int i = 0; i < 50; ++i) {
        auto const end = pool.run(both);
        right += beside(end) == steps{std::to_string(3 - end.error().code)} ? 1 : 0;
    }
    CHECK(right == 50);
}
