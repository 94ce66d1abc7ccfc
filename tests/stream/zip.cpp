// zip and zip_latest on the virtual clock.
#include "concurrent_support.hpp"

#include <coir/testing/explore.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <ostream>
#include <tuple>

using namespace stream_test;

namespace {

using pairs = std::vector<std::tuple<int, int>>;

auto const tens = [](int n) { return 10 * n; };

} // namespace

TEST_CASE("zip gives elements side by side and ends with the shorter side [S28]") {
    test_scheduler s;
    CHECK(s.run([] { return collect(streams::from(one_to(3)) | streams::zip(counting(5))); }).value() ==
          pairs{{1, 0}, {2, 1}, {3, 2}});
    CHECK(s.run([] { return collect(streams::from(one_to(5)) | streams::zip(counting(2))); }).value() ==
          pairs{{1, 0}, {2, 1}});
    CHECK(s.run([] { return collect(streams::from(one_to(5)) | streams::zip(counting(0))); }).value().empty());
}

TEST_CASE("zip does not pull more than it needs [S28]") {
    test_scheduler s;
    int left = 0;
    int right = 0;
    s.run([&]() -> task<> {
        auto sides = counting(3) | counting_into(left) | streams::zip(counting(9) | counting_into(right));
        co_await (std::move(sides) | streams::drain());
    });
    CHECK(left == 3);
    CHECK(right == 3);
    s.run([&]() -> task<> {
        auto sides = counting(9) | counting_into(left) | streams::zip(counting(9) | counting_into(right));
        co_await (std::move(sides) | streams::take(2) | streams::drain());
    });
    CHECK(left == 5);
    CHECK(right == 5);
}

TEST_CASE("zip of three types, some of which only move [S28]") {
    test_scheduler s;
    auto const all = s.run([]() -> task<std::string> {
        auto const own = [](int n) { return std::make_unique<int>(n); };
        auto const text = [](int n) { return std::string(static_cast<std::size_t>(n), 'x'); };
        auto const join = [](std::string so_far, std::tuple<int, std::unique_ptr<int>, std::string> each) {
            auto& [number, pointer, letters] = each;
            return so_far + std::to_string(number) + std::to_string(*pointer) + letters;
        };
        co_return co_await (streams::zip(counting(9), streams::from(one_to(3)) | streams::transform(own),
                                         streams::from(one_to(2)) | streams::transform(text)) |
                            streams::fold(std::string{}, join));
    });
    CHECK(all.value() == "01x12xx");
}

TEST_CASE("zip ends as a side ends, and closes all sides, the last first [S28][S12]") {
    entries log;
    test_scheduler s;
    auto const end = s.run([&] {
        return collect(streams::zip(traced(log, "a", 1ms, 9) | streams::ensuring(finalizer(log, "fa")),
                                    fails_after(2ms, 5) | streams::ensuring(finalizer(log, "fb")),
                                    traced(log, "c", 1ms, 9)));
    });
    CHECK(end.error() == err{5});
    CHECK(log == entries{"a1", "fb begins", "fb ends", "a left", "fa begins", "fa ends"});
    CHECK(message_of(s.run([] { return collect(counting(2) | streams::zip(throws_after(1ms))); }).defect()) == "boom");
    CHECK(s.run([] { return collect(interrupted_after(1ms) | streams::zip(counting(2))); }).is_interrupted());
}

TEST_CASE("what the finalizers of zipped streams throw is not lost [S12]") {
    test_scheduler s;
    auto const closing = [](char const* what) { return streams::ensuring(throwing_finalizer(what)); };
    auto const end =
        s.run([&] { return collect(counting(2) | closing("one") | streams::zip(counting(2) | closing("two"))); });
    CHECK(message_of(end.defect()) == "two");
    REQUIRE(end.suppressed().size() == 1);
    CHECK(message_of(end.suppressed()[0]) == "one");
}

TEST_CASE("zip_latest gives nothing until both sides have, then one tuple per change [S29]") {
    test_scheduler s;
    auto const all = s.run(
        [] { return collect(ticking(2ms, 4) | streams::zip_latest(ticking(5ms, 2) | streams::transform(tens))); });
    CHECK(all.value() == pairs{{2, 10}, {3, 10}, {4, 10}, {4, 20}});
    CHECK(s.elapsed() == 10ms);
}

TEST_CASE("zip_latest ends when all sides have, or at once when a side gave nothing [S29]") {
    test_scheduler s;
    CHECK(s.run([] { return collect(never_gives() | streams::zip_latest(streams::empty<int>())); }).value().empty());
    CHECK(s.elapsed() == 0ms);
    CHECK(s.run([] { return collect(streams::zip_latest(counting(1), ticking(1ms, 3))); }).value() ==
          pairs{{0, 1}, {0, 2}, {0, 3}});
}

TEST_CASE("zip_latest misses no change, and pairs what is newest, in any schedule [S29]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        auto const all =
            s.run([] { return collect(streams::zip_latest(counting(4), counting(4) | streams::transform(tens))); });
        auto const& seen = all.value();
        // 8 changes, less those before the slower side had given something
        REQUIRE(seen.size() >= 4);
        REQUIRE(seen.size() <= 7);
        CHECK(seen.back() == std::tuple{3, 30});
        for (std::size_t i = 1; i < seen.size(); ++i) {
            auto const [a, b] = seen[i - 1];
            auto const [c, d] = seen[i];
            CHECK((c - a) + (d - b) / 10 == 1);
        }
    });
}

TEST_CASE("zip_latest fails as soon as a side does [S26][S29]") {
    entries log;
    test_scheduler s;
    auto const end =
        s.run([&] { return collect(traced(log, "a", 2ms, 9) | streams::zip_latest(fails_after(5ms, 3))); });
    CHECK(end.error() == err{3});
    CHECK(log == entries{"a1", "a2", "a left"});
}
