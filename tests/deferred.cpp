// Completing a deferred: who wins, what is stored, and what polls and awaits see.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <exception>
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

namespace {

struct failed {
    int code;
    friend bool operator==(failed const&, failed const&) = default;
};

using text = deferred<std::string, failed>;

// Each way to complete a deferred.
std::vector<std::function<bool(text&)>> completers() {
    return {[](text& d) { return d.succeed("again"); }, [](text& d) { return d.fail(failed{9}); },
            [](text& d) { return d.die(std::make_exception_ptr(std::runtime_error("late"))); },
            [](text& d) { return d.interrupt(); }, [](text& d) { return d.done(text::outcome_type::success("late")); }};
}

template <class T, class E>
task<outcome<T, E>> seen(deferred<T, E>& d) {
    co_return co_await coir::as_outcome(d);
}

template <class T, class E>
outcome<T, E> await_now(deferred<T, E>& d) {
    return test_scheduler{}.run(seen<T, E>, std::ref(d)).value();
}

} // namespace

TEST_CASE("succeed completes once and every await yields the value [D1]") {
    deferred<int> d;
    CHECK(d.succeed(42));
    auto const sum = [&]() -> task<int> {
        int const& first = co_await d;
        int const& second = co_await d;
        co_return first + second;
    };
    CHECK(test_scheduler{}.run(sum).value() == 84);
}

TEST_CASE("whatever came first stays and later completions say false [D2]") {
    for (auto const& first : completers()) {
        text d;
        REQUIRE(first(d));
        auto const stored = *d.poll();
        for (auto const& second : completers()) {
            CHECK_FALSE(second(d));
            CHECK(*d.poll() == stored);
        }
        CHECK(await_now(d) == stored);
    }
}

TEST_CASE("a loser leaves its argument untouched [D2]") {
    text d;
    d.interrupt();
    std::string value = "kept by its owner, as it is too long for the string itself";
    CHECK_FALSE(d.succeed(std::move(value)));
    auto end = text::outcome_type::success(value);
    CHECK_FALSE(d.done(std::move(end)));
    CHECK(value.size() > 50);
    CHECK(end.value() == value);
}

TEST_CASE("a failure is a typed failure for who awaits and can be recovered from [D4]") {
    text d;
    CHECK(d.fail(failed{7}));
    auto const passes_on = [&]() -> task<std::string, failed> { co_return co_await d; };
    CHECK(test_scheduler{}.run(passes_on).error().code == 7);
    auto const recovers = [&]() -> task<int> {
        auto const r = co_await coir::as_result(d);
        co_return r.has_value() ? 0 : r.error().code;
    };
    CHECK(test_scheduler{}.run(recovers).value() == 7);
}

TEST_CASE("complete runs its task once however often the deferred is awaited [D5]") {
    deferred<int> d;
    int runs = 0;
    auto const work = [&]() -> task<int> { co_return ++runs; };
    auto const all = [&]() -> task<int> {
        bool const won = co_await d.complete(work);
        int const& first = co_await d;
        int const& second = co_await d;
        co_return won ? first + second : -1;
    };
    CHECK(test_scheduler{}.run(all).value() == 2);
    CHECK(runs == 1);
}

TEST_CASE("a failure of complete's task is stored, and not thrown at the completer [D6]") {
    deferred<int, failed> d;
    int runs = 0;
    auto const work = [&]() -> task<int, failed> {
        co_await coir::sleep_for(1ms);
        co_await coir::fail(failed{++runs});
        co_return 0;
    };
    auto const completer = [&]() -> task<bool> { co_return co_await d.complete(work); };
    CHECK(test_scheduler{}.run(completer).value());
    CHECK(await_now(d).error().code == 1);
    CHECK(await_now(d).error().code == 1);
}

TEST_CASE("complete on a done deferred does not start its task [D8]") {
    deferred<int> d;
    d.succeed(1);
    bool started = false;
    auto const work = [&]() -> task<int> {
        started = true;
        co_return 2;
    };
    auto const completer = [&]() -> task<bool> { co_return co_await d.complete(work); };
    CHECK_FALSE(test_scheduler{}.run(completer).value());
    CHECK_FALSE(started);
    CHECK(d.poll()->value() == 1);
}

TEST_CASE("while one completer works the deferred is claimed but not done [D9]") {
    deferred<int> d;
    int started = 0;
    auto const slow = [&]() -> task<int> {
        ++started;
        co_await coir::sleep_for(1s);
        co_return 1;
    };
    auto const completer = [&]() -> task<bool> { co_return co_await d.complete(slow); };
    test_scheduler s;
    auto const winner = s.start(completer);
    auto const loser = s.start(completer);
    s.run_ready();
    CHECK(loser.poll()->value() == false);
    CHECK_FALSE(d.succeed(5));
    CHECK_FALSE(d.is_done());
    CHECK(d.poll() == nullptr);
    s.advance(1s);
    CHECK(winner.poll()->value() == true);
    CHECK(started == 1);
    CHECK(d.poll()->value() == 1);
}

TEST_CASE("an interrupted completer completes the deferred as interrupted [D10]") {
    deferred<int> d;
    test_scheduler s;
    auto const never_ends = []() -> task<int> {
        co_await coir::sleep_for(24h);
        co_return 1;
    };
    auto const completer = [&]() -> task<bool> { co_return co_await d.complete(never_ends); };
    auto const at_work = s.start(completer);
    auto const waiter = s.start(seen<int, coir::never>, std::ref(d));
    s.run_ready();
    at_work.request_interrupt();
    s.run_ready();
    CHECK(at_work.poll()->is_interrupted());
    CHECK(waiter.poll()->value().is_interrupted());
}

TEST_CASE("a completer that is given up half-way completes the deferred as interrupted [D10]") {
    deferred<int> d;
    auto const never_ends = []() -> task<int> {
        co_await coir::sleep_for(24h);
        co_return 1;
    };
    auto const completer = [&]() -> task<bool> {
        auto const won = co_await coir::timeout(d.complete(never_ends), 1s);
        co_return won.has_value();
    };
    CHECK_FALSE(test_scheduler{}.run(completer).value());
    CHECK(d.poll()->is_interrupted());
}

TEST_CASE("what complete's task throws is the deferred's defect [D11]") {
    deferred<int> d;
    auto const throws = []() -> task<int> {
        throw std::runtime_error("broken");
        co_return 1;
    };
    auto const completer = [&]() -> task<bool> { co_return co_await d.complete(throws); };
    CHECK(test_scheduler{}.run(completer).value());
    CHECK_THROWS_AS(await_now(d).value(), std::runtime_error);
}

TEST_CASE("interrupt tells waiters who it was and they go on unharmed [D25 D26]") {
    deferred<int> d;
    coir::fiber_id completer_id;
    bool asked_to_stop = true;
    auto const completer = [&]() -> task<bool> {
        completer_id = coir::this_fiber::id();
        co_return d.interrupt();
    };
    auto const recovers = [&]() -> task<coir::fiber_id> {
        auto const end = co_await coir::as_outcome(d);
        asked_to_stop = coir::this_fiber::interrupt_requested();
        co_await coir::sleep_for(1ms);
        co_return end.interrupted_by();
    };
    auto const passes_on = [&]() -> task<int> { co_return co_await d; };
    test_scheduler s;
    auto const recovered = s.start(recovers);
    auto const ended = s.start(passes_on);
    s.run_ready();
    auto const completed = s.start(completer);
    s.run_ready();
    CHECK(completed.poll()->value());
    CHECK_FALSE(asked_to_stop);
    s.advance(1ms);
    CHECK(recovered.poll()->value() == completer_id);
    CHECK(ended.poll()->interrupted_by() == completer_id);
}

TEST_CASE("poll is nothing, and then always the same outcome [D27 D28]") {
    for (auto const& complete : completers()) {
        text d;
        CHECK_FALSE(d.is_done());
        CHECK(d.poll() == nullptr);
        REQUIRE(complete(d));
        CHECK(d.is_done());
        auto const* const end = d.poll();
        REQUIRE(end != nullptr);
        CHECK(d.poll() == end);
    }
}

TEST_CASE("a value whose constructor throws completes the deferred with that defect [D37]") {
    using coir_test::throws_on_copy;
    deferred<throws_on_copy> d;
    test_scheduler s;
    auto const ends_so = [&]() -> task<> { static_cast<void>(co_await d); };
    auto const first = s.start(ends_so);
    auto const second = s.start(ends_so);
    s.run_ready();
    throws_on_copy const value{1};
    throws_on_copy::armed() = true;
    bool const won = d.succeed(value);
    throws_on_copy::armed() = false;
    CHECK(won);
    s.run_ready();
    CHECK_THROWS_AS(first.poll()->value(), std::runtime_error);
    CHECK_THROWS_AS(second.poll()->value(), std::runtime_error);
}

TEST_CASE("what was suppressed goes with the outcome to who awaits a deferred [I12][I15]") {
    deferred<int, int> d;
    auto end = coir::outcome<int, int>::failure(7);
    end.add_suppressed(std::make_exception_ptr(std::runtime_error{"cleaning up"}));
    d.done(end);
    auto const shows = [&]() -> task<std::size_t> {
        auto const seen = co_await coir::as_outcome(d);
        co_return seen.suppressed().size();
    };
    CHECK(test_scheduler{}.run(shows).value() == 1);
    auto const ends_so = [&]() -> task<int, int> { co_return co_await d; };
    auto const ended = test_scheduler{}.run(ends_so);
    CHECK(ended.error() == 7);
    CHECK(ended.suppressed().size() == 1);
}
