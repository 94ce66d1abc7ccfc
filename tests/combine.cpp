// Several awaitables at once: who decides, who is interrupted, what comes out.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::outcome;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;
using coir_test::failed;
using coir_test::never_ends;
using coir_test::note;
using coir_test::steps;

namespace {

struct other {
    int code;
};

task<int, failed> after(std::chrono::milliseconds d, int v) {
    co_await coir::sleep_for(d);
    if (v < 0) {
        co_await coir::fail(failed{v});
    }
    co_return v;
}

// Never ends by itself; takes its time to clean up.
task<int, failed> cleans_up(steps& log, char const* what) {
    co_await coir::ensuring(never_ends(), [&log, what] { return note(log, 5ms, what); });
    co_return 0;
}

task<int, failed> dies() {
    throw std::runtime_error("died");
    co_return 0;
}

template <class Make>
auto run(Make make) {
    using made = std::invoke_result_t<Make&>;
    auto const t = [](Make m) -> task<coir::await_value_t<made>, coir::await_error_t<made>> { co_return co_await m(); };
    return test_scheduler{}.run(t, std::move(make));
}

} // namespace

TEST_CASE("when_all gives the values in the order of its arguments [R14]") {
    auto const end = run([] { return coir::when_all(after(3ms, 1), coir::sleep_for(2ms), after(1ms, 2)); });
    CHECK(end.value() == std::tuple{1, coir::unit{}, 2});
    auto const one = run([] { return coir::when_all(after(1ms, 4)); });
    CHECK(std::get<0>(one.value()) == 4);
    auto const many = run([] {
        std::vector<task<int, failed>> tasks;
        for (int i = 0; i < 5; ++i) {
            tasks.push_back(after(std::chrono::milliseconds{5 - i}, i));
        }
        return coir::when_all(std::move(tasks));
    });
    CHECK(many.value() == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("when_all of values of every kind") {
    deferred<std::string> d;
    d.succeed("shared");
    int n = 1;
    auto const reference = [&]() -> task<int&> { co_return n; };
    auto const move_only = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(2); };
    auto const end = run([&] { return coir::when_all(d, reference(), move_only(), coir::yield(), move_only()); });
    auto const& [text, number, first, nothing, last] = end.value();
    static_assert(std::is_same_v<decltype(number), int const>);
    static_assert(std::is_same_v<decltype(nothing), coir::unit const>);
    CHECK(text == "shared");
    CHECK(number + *first + *last == 5);
}

TEST_CASE("the first in when_all that fails, dies or is interrupted ends it, when the others have cleaned up [R15]") {
    steps log;
    auto const queued = run([&] { return coir::when_all(cleans_up(log, "a"), after(1ms, -2), cleans_up(log, "b")); });
    CHECK(queued.error().code == -2);
    auto const here = run([&] { return coir::when_all(cleans_up(log, "c"), after(1ms, 1), after(1ms, -3)); });
    CHECK(here.error().code == -3);
    CHECK(run([&] { return coir::when_all(cleans_up(log, "d"), dies()); }).is_defect());
    CHECK(run([&] { return coir::when_all(dies(), cleans_up(log, "e")); }).is_defect());
    deferred<> interrupted;
    interrupted.interrupt();
    CHECK(run([&] { return coir::when_all(cleans_up(log, "f"), interrupted); }).is_interrupted());
    CHECK(run([&] { return coir::when_all(interrupted, cleans_up(log, "g")); }).is_interrupted());
    // What was queued had not begun when the inline one failed at once: it never does.
    CHECK(run([&] { return coir::when_all(note(log, 0ms, "never"), coir::fail(failed{1})); }).is_failure());
    std::sort(log.begin(), log.end());
    CHECK(log == steps{"a", "b", "c", "e", "g"});
}

TEST_CASE("different errors are joined") {
    auto const others = []() -> task<int, other> { co_return coir::fail(other{5}); };
    auto const end = run([&] { return coir::when_all(after(1h, 1), others()); });
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(end.error())>, std::variant<failed, other>>);
    CHECK(std::get<other>(end.error()).code == 5);
}

TEST_CASE("nothing at all is done at once [R18]") {
    CHECK(run([] { return coir::when_all(std::vector<task<int>>{}); }).value().empty());
}

TEST_CASE("what was completed is reported, though a request comes before it is collected") {
    test_scheduler s;
    bool completed = false;
    bool got = false;
    auto const last = [&]() -> task<int> {
        co_await coir::sleep_for(2ms);
        completed = true;
        co_return 3;
    };
    auto const f = s.start([&]() -> task<> {
        auto const [n, nothing] = co_await coir::when_all(last(), coir::sleep_for(1ms));
        got = n == 3;
        co_await coir::checkpoint();
    });
    s.run_until([&] { return completed; });
    REQUIRE(f.poll() == nullptr);
    f.request_interrupt();
    s.run_ready();
    CHECK(got);
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("a failure that decided stays, though a request comes while the others clean up") {
    steps log;
    test_scheduler s;
    auto const f = s.start([&]() -> task<int, failed> {
        co_await coir::when_all(cleans_up(log, "a"), after(1ms, -2), after(1h, 1));
        co_return 0;
    });
    s.advance(2ms);
    REQUIRE(f.poll() == nullptr);
    f.request_interrupt();
    s.advance(5ms);
    CHECK(f.poll()->error().code == -2);
    auto const g = s.start([&]() -> task<int, failed> {
        int const v = co_await coir::race(after(1ms, 7), cleans_up(log, "b"));
        log.push_back("won");
        co_await coir::checkpoint();
        co_return v;
    });
    s.advance(2ms);
    REQUIRE(g.poll() == nullptr);
    g.request_interrupt();
    s.advance(5ms);
    CHECK(g.poll()->is_interrupted());
    CHECK(log == steps{"a", "b", "won"});
}

TEST_CASE("every outcome, in order, and nobody is interrupted on account of another") {
    deferred<> interrupted;
    interrupted.interrupt();
    auto const end =
        run([&] { return coir::all_settled(after(1ms, 1), after(2ms, -2), dies(), interrupted, after(3ms, 3)); });
    auto const& [a, b, c, d, e] = end.value();
    CHECK(a.value() == 1);
    CHECK(b.error().code == -2);
    CHECK(c.is_defect());
    CHECK(d.is_interrupted());
    CHECK(e.value() == 3);
    auto const range = run([] {
        std::vector<task<int, failed>> tasks;
        tasks.push_back(after(2ms, -1));
        tasks.push_back(after(1ms, 4));
        return coir::all_settled(std::move(tasks));
    });
    CHECK(range.value().front().error().code == -1);
    CHECK(range.value().back().value() == 4);
}

TEST_CASE("race gives the first success, when the losers have cleaned up [R1, R2]") {
    steps log;
    test_scheduler s;
    auto const work = [&]() -> task<int, failed> {
        co_return co_await coir::race(cleans_up(log, "loser"), after(2ms, 8));
    };
    CHECK(s.run(work).value() == 8);
    CHECK(log == steps{"loser"});
    CHECK(s.elapsed() == 7ms);
    CHECK(run([] { return coir::race(after(1ms, -1), after(2ms, 9)); }).value() == 9);
    CHECK(run([] { return coir::race(dies(), after(2ms, 9)); }).value() == 9);
}

TEST_CASE("if nobody wins a race, it ends as the last did [R3]") {
    CHECK(run([] { return coir::race(after(2ms, -1), after(1ms, -2)); }).error().code == -1);
    CHECK(run([] { return coir::race(after(1ms, -1), after(2ms, -2)); }).error().code == -2);
    deferred<int> interrupted;
    interrupted.interrupt();
    CHECK(run([&] { return coir::race(dies(), interrupted); }).is_interrupted());
}

TEST_CASE("when_any ends as the first did, whatever that was [R4]") {
    steps log;
    CHECK(run([&] { return coir::when_any(after(1ms, -4), cleans_up(log, "a")); }).error().code == -4);
    CHECK(run([&] { return coir::when_any(cleans_up(log, "b"), after(1ms, 5)); }).value() == 5);
    CHECK(log == steps{"a", "b"});
    auto const text = []() -> task<std::string> { co_return "text"; };
    auto const different = run([&] { return coir::when_any(never_ends(), text(), after(1h, 1)); });
    CHECK(std::get<1>(different.value()) == "text");
    CHECK(run([] { return coir::when_any(never_ends(), coir::sleep_for(1ms)); }).is_success());
}

TEST_CASE("once the first has ended in place, none is started any more [R5]") {
    int started = 0;
    auto const starts = [&](int v) -> task<int, failed> {
        ++started;
        co_return v;
    };
    CHECK(run([&] { return coir::when_any(starts(1), starts(2), starts(3)); }).value() == 1);
    CHECK(started == 1);
    started = 0;
    auto const fails_at_once = [&]() -> task<int, failed> {
        ++started;
        co_return coir::fail(failed{1});
    };
    CHECK(run([&] { return coir::race(fails_at_once(), starts(2), starts(3)); }).value() == 2);
    CHECK(started == 2);
}

TEST_CASE("an interrupted race interrupts and awaits all of them [R6]") {
    steps log;
    test_scheduler s;
    auto const f = s.start(
        [&]() -> task<int, failed> { co_return co_await coir::race(cleans_up(log, "a"), cleans_up(log, "b")); });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll() == nullptr);
    s.advance(5ms);
    CHECK(f.poll()->is_interrupted());
    CHECK(log.size() == 2);
}

TEST_CASE("a loser that cannot be interrupted delays the result [R7]") {
    test_scheduler s;
    auto const work = []() -> task<int, failed> {
        co_return co_await coir::race(after(1ms, 1), coir::uninterruptible(after(9ms, 2)));
    };
    CHECK(s.run(work).value() == 1);
    CHECK(s.elapsed() == 9ms);
}

TEST_CASE("what an entrant forks ends with it [R8]") {
    steps log;
    auto const forks = [&](int v) -> task<int, failed> {
        coir::fork(cleans_up, std::ref(log), "child");
        co_await coir::sleep_for(1ms);
        co_return v;
    };
    CHECK(run([&] { return coir::race(forks(1), after(1h, 2)); }).value() == 1);
    CHECK(log == steps{"child"});
}

namespace {

// Refuses to be moved to where it would run, once it is told to.
struct stubborn {
    using value_type = int;
    using error_type = coir::never;
    explicit stubborn(bool const& refuses) : refuses_{&refuses} {}
    stubborn(stubborn&& other) : refuses_{other.refuses_} {
        if (*refuses_) {
            throw std::runtime_error("stubborn");
        }
    }
    coir::detail::status poll(coir::detail::fiber_base&) { return coir::detail::status::value; }
    int get() { return 1; }
    std::exception_ptr defect() { return nullptr; }
    coir::fiber_id interrupted_by() { return {}; }

private:
    bool const* refuses_;
};

// Tells it to when the combination starts, and not while it is put together.
template <class Inner>
class tells : public coir::detail::adaptor<Inner> {
public:
    tells(Inner&& inner, bool& refuses) : coir::detail::adaptor<Inner>{std::move(inner)}, refuses_{&refuses} {}
    coir::detail::status poll(coir::detail::fiber_base& f) {
        *refuses_ = true;
        return this->inner_.poll(f);
    }

private:
    bool* refuses_;
};

// Starts a combination with a member that cannot be started.
template <class Combine>
auto with_stubborn(steps& log, Combine combine) {
    return [&log, combine]() -> task<> {
        bool refuses = false;
        auto op = combine(cleans_up(log, "started"), stubborn{refuses}, cleans_up(log, "never"));
        co_await coir::as_result(tells<decltype(op)>{std::move(op), refuses});
    };
}

} // namespace

TEST_CASE("if one cannot be started, those before it are interrupted and awaited, and it is a defect [R17]") {
    steps log;
    auto const all = with_stubborn(log, [](auto&&... aw) { return coir::when_all(std::move(aw)...); });
    CHECK(test_scheduler{}.run(all).is_defect());
    CHECK(log.empty()); // what was queued never began
    auto const any = with_stubborn(log, [](auto&&... aw) { return coir::when_any(std::move(aw)...); });
    test_scheduler s;
    CHECK(s.run(any).is_defect());
    CHECK(log == steps{"started"});
    CHECK(s.elapsed() == 5ms);
}

TEST_CASE("combinations nest, and limits stop them") {
    steps log;
    auto const work = [&]() -> task<int, failed> {
        auto const v = co_await coir::timeout(
            coir::when_all(coir::race(cleans_up(log, "a"), cleans_up(log, "b")), cleans_up(log, "c")), 1ms);
        CHECK_FALSE(v.has_value());
        auto const [n, m] = co_await coir::when_all(coir::race(after(1ms, 1), after(2ms, 2)),
                                                    coir::when_any(after(2ms, 3), after(1ms, 4)));
        co_return n * 10 + m;
    };
    CHECK(test_scheduler{}.run(work).value() == 14);
    CHECK(log.size() == 3);
}

TEST_CASE("combinations destroy what they were given once") {
    counted::reset();
    auto const gives = [](counted c) -> task<counted, failed> {
        co_await coir::sleep_for(1ms);
        co_return std::move(c);
    };
    auto const work = [&]() -> task<int, failed> {
        auto const [a, b] = co_await coir::when_all(gives(counted{1}), gives(counted{2}));
        counted const c = co_await coir::race(gives(counted{3}), gives(counted{4}));
        co_return a.value + b.value + c.value;
    };
    CHECK(test_scheduler{}.run(work).value() == 6);
    CHECK(counted::alive() == 0);
    CHECK(counted::copies() == 0);
}

TEST_CASE("leaf waits that completed are reported as completed, and the interruption comes next [I3]") {
    deferred<int> first;
    deferred<int> last;
    steps log;
    test_scheduler s;
    auto const both = [&]() -> task<> {
        auto const [a, b] = co_await coir::when_all(first, last);
        log.push_back(std::to_string(a) + std::to_string(b));
        co_await coir::checkpoint();
        log.push_back("goes on");
    };
    auto const f = s.start(both);
    s.run_ready();
    last.succeed(2); // runs in the fiber itself, which is woken first and stops the other
    first.succeed(1);
    f.request_interrupt();
    s.run_ready();
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->is_interrupted());
    CHECK(log == steps{"12"});
}

TEST_CASE("tasks that completed are reported as completed too, and the interruption comes next [I3]") {
    deferred<int> go;
    steps log;
    test_scheduler s;
    auto const waits = [&]() -> task<int> { co_return co_await go + 1; };
    auto const one = [&]() -> task<> {
        log.push_back(std::to_string(co_await coir::race(waits())));
        co_await coir::checkpoint();
        log.push_back("goes on");
    };
    auto const all = [&]() -> task<> {
        std::vector<task<int>> two;
        two.push_back(waits());
        two.push_back(waits());
        auto const both = co_await coir::when_all(std::move(two));
        log.push_back(std::to_string(both.at(0)) + std::to_string(both.at(1)));
        co_await coir::checkpoint();
        log.push_back("goes on");
    };
    auto const racing = s.start(one);
    auto const joining = s.start(all);
    s.run_ready();
    racing.request_interrupt(); // runs first, and stops members that have been woken by then
    joining.request_interrupt();
    go.succeed(1);
    s.run_ready();
    CHECK(racing.poll()->is_interrupted());
    CHECK(joining.poll()->is_interrupted());
    CHECK(log == steps{"2", "22"});
}
