// buffer on the virtual clock.
#include "concurrent_support.hpp"

#include <coir/testing/explore.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace stream_test;

namespace {

auto const slow = [](int n) -> task<int> {
    co_await sleep_for(100ms);
    co_return n;
};

} // namespace

TEST_CASE("buffer keeps all elements in order, in any schedule [S31]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        auto const give_way = [](int) { return coir::yield(); };
        for (int const n : {0, 1, 2, 3, 50}) {
            auto const all = s.run([&] {
                return collect(counting(20) | streams::tap(give_way) | streams::buffer(n) | streams::tap(give_way));
            });
            CHECK(all.value().size() == 20);
            CHECK(std::is_sorted(all.value().begin(), all.value().end()));
        }
    });
}

TEST_CASE("with a slow consumer upstream advances by the buffer and one in hand, and stops [S31]") {
    test_scheduler s;
    int pulled = 0;
    s.run([&]() -> task<> {
        auto look = [&](int) -> task<> {
            co_await sleep_for(1s);
            CHECK(pulled == 5); // the one being looked at, three in the buffer, one in hand
        };
        co_await (counting(99) | counting_into(pulled) | streams::buffer(3) | streams::take(1) |
                  streams::for_each(look));
    });
    CHECK(pulled == 5);
}

TEST_CASE("producer and consumer of a buffer work at the same time [S31]") {
    test_scheduler s;
    auto const all = s.run([] { return collect(ticking(100ms, 5) | streams::buffer(2) | streams::transform(slow)); });
    CHECK(all.value() == one_to(5));
    CHECK(s.elapsed() == 600ms);
}

TEST_CASE("a sliding buffer loses the oldest elements, a dropping one the newest [S32]") {
    auto const run = [](coir::queue_capacity capacity) {
        test_scheduler s;
        auto const all =
            s.run([&] { return collect(ticking(30ms, 10) | streams::buffer(capacity) | streams::transform(slow)); });
        return all.value();
    };
    CHECK(run(coir::sliding(1)) == numbers{1, 4, 7, 10});
    CHECK(run(coir::sliding(2)) == numbers{1, 3, 6, 9, 10});
    CHECK(run(coir::dropping(1)) == numbers{1, 2, 5, 8});
    CHECK(run(coir::unbounded()).size() == 10);
}

TEST_CASE("a failure arrives behind what is in the buffer, of each kind [S32]") {
    auto const source = []() -> stream<int, err> {
        for (int i = 1; i <= 5; ++i) {
            co_yield i;
        }
        co_await coir::fail<err>(9);
    };
    struct buffered {
        coir::queue_capacity capacity;
        numbers given;
    };
    // The consumer has the first one in hand.
    auto const kinds = {buffered{coir::bounded(8), one_to(5)}, buffered{coir::sliding(2), numbers{1, 4, 5}},
                        buffered{coir::dropping(2), one_to(3)}, buffered{coir::unbounded(), one_to(5)}};
    for (auto const& [kind, given] : kinds) {
        auto const capacity = kind;
        test_scheduler s;
        numbers seen;
        auto const end = s.run([&]() -> task<int, err> {
            auto const note = [&seen](int n) -> task<> {
                seen.push_back(n);
                co_await sleep_for(1ms);
            };
            co_await (source() | streams::buffer(capacity) | streams::for_each(note));
            co_return 0;
        });
        CHECK(end.error() == err{9});
        CHECK(seen == given);
    }
}

TEST_CASE("what upstream of a buffer throws, or how it is interrupted, passes through [S32]") {
    test_scheduler s;
    CHECK(message_of(s.run([] { return collect(throws_after(1ms) | streams::buffer(2)); }).defect()) == "boom");
    CHECK(s.run([] { return collect(interrupted_after(1ms) | streams::buffer(2)); }).is_interrupted());
    auto const closed = s.run(
        [] { return collect(counting(1) | streams::ensuring(throwing_finalizer("closing")) | streams::buffer(2)); });
    CHECK(message_of(closed.defect()) == "closing");
}

TEST_CASE("a consumer that stops early releases the upstream of a buffer before it goes on [S10]") {
    entries log;
    test_scheduler s;
    s.run([&]() -> task<> {
        co_await (traced(log, "a", 2ms, 9) | streams::ensuring(finalizer(log)) | streams::buffer(4) | streams::take(1) |
                  streams::drain());
        log.push_back("done");
    });
    CHECK(log == entries{"a1", "a left", "finalizer begins", "finalizer ends", "done"});
}

TEST_CASE("a buffer that is not pulled starts nothing [S3]") {
    entries log;
    test_scheduler s;
    s.run([&]() -> task<> {
        co_await (traced(log, "a", 1ms, 1) | streams::buffer(2) | streams::take(0) | streams::drain());
    });
    CHECK(log.empty());
    CHECK_THROWS_AS(streams::buffer(-1), std::invalid_argument);
}
