// merge on the virtual clock, and with it what all stages do that own fibers.
#include "concurrent_support.hpp"

#include <coir/combine.hpp>
#include <coir/dump.hpp>
#include <coir/interrupt.hpp>
#include <coir/testing/explore.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>

using namespace stream_test;
using streams::ends_with;

namespace {

// Gives up each pull that takes longer than 2 ms, and pulls again.
template <class S>
class impatient : public coir::detail::stage<S> {
    using status = coir::detail::status;

public:
    impatient(S&& s, int& given_up) : coir::detail::stage<S>{std::move(s)}, given_up_{&given_up} {}

    status poll_next(coir::detail::fiber_base& f, std::optional<typename S::value_type>& out) {
        for (;;) {
            if (!std::exchange(pulling_, true)) {
                region_.enter(f, f.where().now() + 2ms);
            }
            status const s = this->up_.poll_next(f, out);
            if (!coir::detail::has_ended(s)) {
                return s;
            }
            pulling_ = false;
            if (!region_.leave(s)) {
                return s;
            }
            ++*given_up_;
        }
    }

private:
    coir::detail::region_timer region_;
    int* given_up_;
    bool pulling_ = false;
};

} // namespace

TEST_CASE("merge gives what comes as it comes, and ends when both sides have [S24]") {
    test_scheduler s;
    auto const all = s.run([] { return collect(ticking(2ms, 3) | streams::merge(ticking(5ms, 2))); });
    CHECK(all.value() == numbers{1, 2, 1, 3, 2});
    CHECK(s.elapsed() == 10ms);
}

TEST_CASE("merge keeps the order of each side and loses nothing, in any schedule [S24]") {
    auto const runs = coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        auto const all = s.run([] {
            auto tens = [](int n) { return 10 + n; };
            auto slowly = [](int n) -> task<int> {
                co_await coir::yield();
                co_return 20 + n;
            };
            return collect(streams::merge(counting(5), counting(5) | streams::transform(tens),
                                          counting(5) | streams::transform(slowly)));
        });
        numbers sides[3];
        for (int const n : all.value()) {
            sides[n / 10].push_back(n % 10);
        }
        for (numbers const& side : sides) {
            CHECK(side == numbers{0, 1, 2, 3, 4});
        }
    });
    CHECK(runs.distinct > runs.runs / 2);
}

TEST_CASE("merge takes elements and errors of different types [S24]") {
    test_scheduler s;
    auto const all = s.run([]() -> task<std::vector<long>, err> {
        auto const longs = [](int n) { return n + 100L; };
        co_return co_await (streams::from(one_to(2)) | streams::transform(longs) |
                            streams::merge(fails_after(1h, 1) | streams::take(0)) | streams::to_vector());
    });
    CHECK(all.value() == std::vector<long>{101, 102});
}

TEST_CASE("merge moves elements that cannot be copied [S24]") {
    test_scheduler s;
    auto const sum = s.run([]() -> task<int> {
        auto const own = [](int n) { return std::make_unique<int>(n); };
        auto const add = [](int total, std::unique_ptr<int> n) { return total + *n; };
        co_return co_await (streams::from(one_to(4)) | streams::transform(own) |
                            streams::merge(streams::from(one_to(4)) | streams::transform(own)) | streams::fold(0, add));
    });
    CHECK(sum.value() == 20);
}

TEST_CASE("merge ends with either, the left or the right side, and interrupts the other one [S25]") {
    entries log;
    test_scheduler s;
    auto const run = [&](ends_with side) {
        return s.run(
            [&] { return collect(traced(log, "a", 2ms, 2) | streams::merge(traced(log, "b", 3ms, 3), side)); });
    };
    CHECK(run(ends_with::left).value() == numbers{1, 1, 2});
    CHECK(log == entries{"a1", "b1", "a2", "a left", "b left"});
    CHECK(s.elapsed() == 4ms);
    CHECK(run(ends_with::right).value() == numbers{1, 1, 2, 2, 3});
    CHECK(s.elapsed() == 13ms);
    CHECK(run(ends_with::either).value() == numbers{1, 1, 2});
    CHECK(run(ends_with::both).value() == numbers{1, 1, 2, 2, 3});
}

TEST_CASE("merge fails as soon as one side fails, and the other one is interrupted and released [S26]") {
    entries log;
    test_scheduler s;
    auto const end = s.run([&]() -> task<int, err> {
        auto const note = [&log](int n) { log.push_back("seen " + std::to_string(n)); };
        co_await (traced(log, "a", 2ms, 9) | streams::ensuring(finalizer(log)) | streams::merge(fails_after(5ms, 7)) |
                  streams::for_each(note));
        co_return 0;
    });
    CHECK(end.error() == err{7});
    CHECK(log == entries{"a1", "seen 1", "a2", "seen 2", "a left", "finalizer begins", "finalizer ends"});
    CHECK(s.elapsed() == 6ms);
}

TEST_CASE("a side that fails while the consumer is busy stops the other one at once [S26]") {
    entries log;
    test_scheduler s;
    auto const end = s.run([&]() -> task<int, err> {
        auto const busy = [&log](int n) -> task<> {
            log.push_back("seen " + std::to_string(n));
            co_await sleep_for(1s);
            log.push_back("next");
        };
        co_await (traced(log, "a", 2ms, 99) | streams::merge(fails_after(5ms, 7)) | streams::for_each(busy));
        co_return 0;
    });
    CHECK(end.error() == err{7});
    CHECK(log == entries{"a1", "seen 1", "a2", "a left", "next"}); // a2 was ahead, and is dropped
}

TEST_CASE("what a side throws, or how it is interrupted, is how the merge ends [S26]") {
    test_scheduler s;
    auto const died = s.run([] { return collect(ticking(1ms, 99) | streams::merge(throws_after(5ms))); });
    CHECK(message_of(died.defect()) == "boom");
    auto const gone = s.run([] { return collect(ticking(1ms, 99) | streams::merge(interrupted_after(5ms))); });
    CHECK(gone.is_interrupted());
    CHECK(s.elapsed() == 10ms);
}

TEST_CASE("with a slow consumer each side of a merge is one element ahead at most [S27]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        int pulled[2] = {0, 0};
        int taken[2] = {0, 0};
        int most[2] = {0, 0};
        auto const count = [&](int side) {
            return [&pulled, &taken, &most, side](int) {
                ++pulled[side];
                most[side] = (std::max)(most[side], pulled[side] - taken[side]);
                return side;
            };
        };
        auto const slow = [&](int side) -> task<> {
            ++taken[side];
            co_await sleep_for(1ms);
            for (int const each : {0, 1}) {
                CHECK(pulled[each] == (std::min)(taken[each] + 1, 6)); // and it does get that far
            }
        };
        s.run([&]() -> task<> {
            auto left = count(0);
            auto right = count(1);
            co_await (counting(6) | streams::transform(left) | streams::merge(counting(6) | streams::transform(right)) |
                      streams::for_each(slow));
        });
        CHECK(most[0] <= 2); // one is being taken just now, or one is ahead of the one that was
        CHECK(most[1] <= 2);
        CHECK(pulled[0] + pulled[1] == 12);
    });
}

TEST_CASE("a consumer that stops early has both sides released before it goes on [S10][X22]") {
    entries log;
    test_scheduler s;
    s.run([&]() -> task<> {
        co_await (traced(log, "a", 2ms, 9) | streams::ensuring(finalizer(log, "fa")) |
                  streams::merge(traced(log, "b", 3ms, 9) | streams::ensuring(finalizer(log, "fb"))) |
                  streams::take(2) | streams::drain());
        log.push_back("done");
        CHECK(coir::snapshot(s).size() == 1);
    });
    CHECK(log == entries{"a1", "b1", "b left", "fb begins", "a left", "fa begins", "fb ends", "fa ends", "done"});
}

TEST_CASE("a merge that is not pulled starts nothing [S3]") {
    entries log;
    test_scheduler s;
    s.run([&]() -> task<> {
        co_await (traced(log, "a", 1ms, 1) | streams::merge(traced(log, "b", 1ms, 1)) | streams::take(0) |
                  streams::drain());
        auto dropped = traced(log, "a", 1ms, 1) | streams::merge(traced(log, "b", 1ms, 1));
        auto moved = std::move(dropped);
    });
    CHECK(log.empty());
    CHECK(s.steps() < 5);
}

TEST_CASE("a merge inside of a merge, erased and moved before it starts [X22]") {
    test_scheduler s;
    auto const all = s.run([]() -> task<std::size_t> {
        stream<int> inner = ticking(1ms, 5) | streams::merge(ticking(2ms, 5));
        auto outer = std::move(inner) | streams::merge(stream<int>{ticking(3ms, 5) | streams::merge(counting(5))});
        auto const elements = co_await collect(std::move(outer));
        co_return elements.size();
    });
    CHECK(all.value() == 20);
    CHECK(s.elapsed() == 15ms);
}

TEST_CASE("what finalizers throw is the end of a merge that went well, and else suppressed [S26][S12]") {
    test_scheduler s;
    auto const closing = [](char const* what) { return streams::ensuring(throwing_finalizer(what)); };
    SECTION("a side that ends") {
        auto const end = s.run([&] { return collect(counting(1) | closing("one") | streams::merge(never_gives())); });
        CHECK(message_of(end.defect()) == "one");
        CHECK(end.suppressed().empty());
    }
    SECTION("both sides of a consumer that stops early") {
        auto const end = s.run([&] {
            return collect(counting(9) | closing("one") | streams::merge(counting(9) | closing("two")) |
                           streams::take(1));
        });
        REQUIRE(end.is_defect());
        REQUIRE(end.suppressed().size() == 1);
        std::vector<std::string> both{message_of(end.defect()), message_of(end.suppressed()[0])};
        std::sort(both.begin(), both.end());
        CHECK(both == entries{"one", "two"});
    }
    SECTION("after a failure") {
        auto const end = s.run([&] {
            return collect(never_gives() | closing("one") | streams::merge(fails_after(1ms, 3) | closing("two")));
        });
        CHECK(end.error() == err{3});
        CHECK(end.suppressed().size() == 2);
    }
}

TEST_CASE("a pull of a merge that is given up loses nothing [S24]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        int given_up = 0;
        auto const all =
            s.run([&] { return collect(impatient{ticking(3ms, 3) | streams::merge(ticking(10ms, 2)), given_up}); });
        CHECK(all.value() == numbers{1, 2, 3, 1, 2});
        CHECK(given_up > 3);
    });
}

TEST_CASE("interrupt_when and a timeout around a merge end the wait, not its sides before they are closed [X1]") {
    entries log;
    test_scheduler s;
    s.run([&]() -> task<> {
        deferred<> stop;
        fork(after, 7ms, &stop);
        co_await (traced(log, "a", 2ms, 9) | streams::merge(never_gives()) | streams::interrupt_when(stop) |
                  streams::for_each([](int) {}));
        CHECK(stop.waiter_count() == 0);
    });
    CHECK(log == entries{"a1", "a2", "a3", "a left"});
    auto const late = s.run([&]() -> task<numbers, err> {
        co_return co_await (never_gives() | streams::merge(ticking(1s, 9)) | streams::timeout_first(10ms, err{4}) |
                            streams::to_vector());
    });
    CHECK(late.error() == err{4});
    CHECK(s.elapsed() == 17ms);
}

TEST_CASE("the fiber that pulls a merge may be another one each time [S15]") {
    test_scheduler s;
    auto const all = s.run([]() -> task<numbers> {
        auto body = [](auto& in) -> task<numbers> {
            numbers seen;
            for (;;) {
                auto pull = [&in]() -> task<std::optional<int>> {
                    auto child = []() -> task<> { co_await sleep_for(24h); };
                    fork(child); // is gone with the fiber that pulls, unlike the sides
                    co_return co_await next(in);
                };
                auto const n = co_await fork(pull);
                if (!n) {
                    co_return seen;
                }
                seen.push_back(*n);
                co_await sleep_for(1ms);
            }
        };
        co_return co_await coir::with_stream(ticking(2ms, 3) | streams::merge(ticking(7ms, 2)), body);
    });
    CHECK(all.value() == numbers{1, 2, 3, 1, 2});
}

TEST_CASE("the fibers of a merge stand below their consumer in a dump [X22]") {
    test_scheduler s;
    std::vector<coir::fiber_info> all;
    std::string text;
    s.run([&]() -> task<> {
        auto child = []() -> task<> { co_await sleep_for(24h); };
        fork(child);
        auto look = [&](int n) -> task<> {
            co_await sleep_for(5ms);
            if (n == 1 && text.empty()) {
                all = coir::snapshot(s);
                text = coir::dump(s);
            }
        };
        auto inner = ticking(1ms, 2) | streams::merge(never_gives());
        co_await (std::move(inner) | streams::merge(never_gives()) | streams::take(2) | streams::for_each(look));
    });
    CAPTURE(text);
    std::vector<std::size_t> depths;
    std::vector<std::string_view> waits;
    for (coir::fiber_info const& f : all) {
        depths.push_back(f.depth);
        waits.push_back(f.waits_for);
    }
    CHECK(depths == std::vector<std::size_t>{0, 1, 1, 2, 1});
    CHECK(waits == std::vector<std::string_view>{"", "sleep", "room in a stream", "deferred", "deferred"});
    CHECK(all[3].parent == all[2].id);
    CHECK(all[4].parent == all[0].id);
}
