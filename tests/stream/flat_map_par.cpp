// flat_map of several streams at once, on the virtual clock.
#include "concurrent_support.hpp"

#include <coir/testing/explore.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace stream_test;

namespace {

// Counts how many are open.
struct crowd {
    int now = 0;
    int most = 0;
};
class member {
public:
    explicit member(crowd& c) : crowd_{&c} {
        ++c.now;
        c.most = (std::max)(c.most, c.now);
    }
    ~member() { --crowd_->now; }

private:
    crowd* crowd_;
};

} // namespace

TEST_CASE("flat_map of n gives the elements of n streams as they come [S37]") {
    test_scheduler s;
    auto const inner = [](int n) {
        auto const number = [n](int i) { return 10 * n + i; };
        return ticking(std::chrono::milliseconds{2 * n}, 2) | streams::transform(number);
    };
    auto const all = s.run([&] { return collect(streams::from(one_to(3)) | streams::flat_map(2, inner)); });
    CHECK(all.value() == numbers{11, 21, 12, 22, 31, 32}); // 21 before 12, whose timer was set later
    CHECK(s.elapsed() == 16ms);                            // the third begins when the first has ended
}

TEST_CASE("at most n inner streams are open, and n are, in any schedule [S37]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        for (int const n : {1, 2, 4}) {
            crowd c;
            auto inner = [&c](int x) -> stream<int> {
                member const here{c};
                co_await sleep_for(std::chrono::milliseconds{x % 3});
                co_yield x;
                co_await coir::yield();
                co_yield 100 + x;
                co_await sleep_for(1ms);
            };
            auto const all = s.run([&] { return collect(counting(9) | streams::flat_map(n, inner)); });
            CHECK(all.value().size() == 18);
            CHECK(c.most == n);
            CHECK(c.now == 0);
        }
    });
}

TEST_CASE("an inner stream is closed before the next takes its place [S11][S37]") {
    test_scheduler s;
    crowd c;
    auto inner = [&c](int x) {
        auto open = [&c](int) { ++c.now; };
        auto close = [&c]() -> task<> {
            co_await sleep_for(1ms);
            --c.now;
        };
        auto count = [&c](int) { c.most = (std::max)(c.most, c.now); };
        return streams::once(x) | streams::tap(open) | streams::tap(count) | streams::ensuring(close);
    };
    CHECK(s.run([&] { return collect(counting(6) | streams::flat_map(2, inner)); }).value().size() == 6);
    CHECK(c.most == 2);
    CHECK(c.now == 0);
}

TEST_CASE("a failure of the outer stream interrupts all inner ones, one of an inner stream the others [S37]") {
    entries log;
    test_scheduler s;
    auto const outer_source = []() -> stream<int, err> {
        co_yield 1;
        co_yield 2;
        co_await sleep_for(3ms);
        co_await coir::fail<err>(6);
    };
    auto const traced_inner = [&log](int n) {
        return traced(log, std::to_string(n), 1h, 1) | streams::ensuring(finalizer(log));
    };
    auto const outer = s.run([&] { return collect(outer_source() | streams::flat_map(3, traced_inner)); });
    CHECK(outer.error() == err{6});
    CHECK(std::count(log.begin(), log.end(), "finalizer ends") == 2);
    CHECK(s.elapsed() < 10ms);
    log.clear();
    auto const failing_inner = [&log](int n) -> stream<int, err> {
        leaving const left{log, "left"};
        co_await sleep_for(std::chrono::milliseconds{n});
        co_yield n;
        co_await coir::fail<err>(n);
    };
    auto const one = s.run([&] { return collect(streams::from(one_to(5)) | streams::flat_map(2, failing_inner)); });
    CHECK(one.error() == err{1});
    CHECK(log == entries{"left", "left"});
}

TEST_CASE("what an inner stream throws, in its pulls, its function or its closing, ends all [S37]") {
    test_scheduler s;
    auto const pull = [](int) { return throws_after(1ms); };
    CHECK(message_of(s.run([&] { return collect(counting(3) | streams::flat_map(2, pull)); }).defect()) == "boom");
    auto const make = [](int) -> stream<int> { throw std::runtime_error{"made"}; };
    CHECK(message_of(s.run([&] { return collect(counting(3) | streams::flat_map(2, make)); }).defect()) == "made");
    auto const closing = [](int n) { return streams::once(n) | streams::ensuring(throwing_finalizer("closing")); };
    CHECK(message_of(s.run([&] { return collect(counting(1) | streams::flat_map(2, closing)); }).defect()) ==
          "closing");
}

TEST_CASE("flat_map of n takes ranges, and stops early with everything released [S37][S10]") {
    entries log;
    test_scheduler s;
    auto const range = [](int n) { return one_to(n); };
    auto const all = s.run([&] { return collect(streams::from(one_to(3)) | streams::flat_map(1, range)); });
    CHECK(all.value() == numbers{1, 1, 2, 1, 2, 3});
    auto const inner = [&log](int n) {
        return traced(log, std::to_string(n), 1ms, 9) | streams::ensuring(finalizer(log));
    };
    s.run([&]() -> task<> {
        co_await (counting(9) | streams::flat_map(3, inner) | streams::take(4) | streams::drain());
        log.push_back("done");
    });
    CHECK(std::count(log.begin(), log.end(), "finalizer begins") == 3);
    CHECK(std::count(log.begin(), log.end(), "finalizer ends") == 3);
    CHECK(log.back() == "done");
    CHECK(s.run([&] { return collect(counting(0) | streams::flat_map(3, range)); }).value().empty());
    CHECK_THROWS_AS(streams::flat_map(0, range), std::invalid_argument);
}
