// interval: numbers at multiples of a period.
#include "stream_support.hpp"

#include <coir/interrupt.hpp>

#include <catch2/catch.hpp>

using namespace stream_test;

namespace {

using moments = std::vector<std::pair<std::size_t, std::chrono::milliseconds>>;

// When each number came, if the consumer then takes as long as `busy` says.
template <class Busy>
moments arrivals(std::chrono::milliseconds period, std::size_t n, Busy busy) {
    test_scheduler s;
    moments all;
    s.run([&]() -> task<> {
        co_await sleep_for(7ms); // it counts from the first pull, and not from any zero
        auto const start = coir::now();
        auto note = [&, start](std::size_t i) -> task<> {
            all.emplace_back(i, std::chrono::duration_cast<std::chrono::milliseconds>(coir::now() - start));
            co_await sleep_for(busy(i));
        };
        co_await (streams::interval(period) | streams::take(n) | streams::for_each(note));
    });
    return all;
}

} // namespace

TEST_CASE("an interval gives 0, 1, 2... at multiples of its period, the first after one") {
    auto const all = arrivals(10ms, 4, [](std::size_t) { return 0ms; });
    CHECK(all == moments{{0, 10ms}, {1, 20ms}, {2, 30ms}, {3, 40ms}});
}

TEST_CASE("the consumer's time makes no drift") {
    auto const all = arrivals(10ms, 5, [](std::size_t) { return 9ms; });
    CHECK(all == moments{{0, 10ms}, {1, 20ms}, {2, 30ms}, {3, 40ms}, {4, 50ms}});
}

TEST_CASE("who is late gets one number at once, and then the next multiple, without a burst [C2]") {
    auto const all = arrivals(10ms, 5, [](std::size_t i) { return i == 1 ? 35ms : 0ms; });
    CHECK(all == moments{{0, 10ms}, {1, 20ms}, {2, 55ms}, {3, 60ms}, {4, 70ms}});
    auto const just_in_time = arrivals(10ms, 4, [](std::size_t i) { return i == 0 ? 20ms : 0ms; });
    CHECK(just_in_time == moments{{0, 10ms}, {1, 30ms}, {2, 40ms}, {3, 50ms}});
}

TEST_CASE("an interval is never early, whatever the period") {
    auto const all = arrivals(1ms, 1'000, [](std::size_t i) { return std::chrono::milliseconds{i % 4}; });
    REQUIRE(all.size() == 1'000);
    for (std::size_t i = 0; i != all.size(); ++i) {
        REQUIRE(all[i].first == i);
        REQUIRE(all[i].second >= std::chrono::milliseconds{i + 1});
    }
}

TEST_CASE("a period that is not positive is refused, and one that never ends never comes") {
    CHECK_THROWS_AS(streams::interval(0s), std::invalid_argument);
    CHECK_THROWS_AS(streams::interval(-1ns), std::invalid_argument);
    test_scheduler s;
    auto const end = s.run([]() -> task<bool> {
        co_return co_await coir::timeout(streams::interval(std::chrono::hours::max()) | streams::drain(), 24h);
    });
    CHECK_FALSE(end.value());
}

TEST_CASE("an interval that is interrupted leaves no timer, and can be moved between its pulls") {
    test_scheduler s;
    s.run([]() -> task<> {
        auto run = []() -> task<> { co_await (streams::interval(10ms) | streams::drain()); };
        auto const f = fork(run);
        co_await sleep_for(15ms);
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
        auto ticks = streams::interval(5ms);
        auto moved = std::move(ticks);
        auto const start = coir::now();
        auto const n = co_await (std::move(moved) | streams::take(2) |
                                 streams::fold(0, [](int sum, std::size_t) { return sum + 1; }));
        CHECK(n == 2);
        CHECK(coir::now() - start == 10ms);
    });
}
