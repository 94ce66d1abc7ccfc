// Several fibers of a stage fail: the first is how the stream ends, the others are beside it.
#include <coir/runtime/thread_pool.hpp>
#include <coir/stream.hpp>
#include <coir/suppressed_failure.hpp>
#include <coir/testing/explore.hpp>

#include "concurrent_support.hpp"
#include "stream_support.hpp"
#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>

using namespace stream_test;

namespace {

task<int, err> dies(std::chrono::milliseconds d, std::string what) {
    co_await sleep_for(d);
    throw std::runtime_error{what};
    co_return 0;
}
task<int, err> fails(std::chrono::milliseconds d, int code) {
    co_await sleep_for(d);
    co_await coir::fail<err>(code);
    co_return 0;
}

// Streams that cannot be stopped before they fail.
stream<int, err> dying(std::chrono::milliseconds d, std::string what) {
    co_yield co_await coir::uninterruptible(dies(d, what));
}
stream<int, err> failing(std::chrono::milliseconds d, int code) {
    co_yield co_await coir::uninterruptible(fails(d, code));
}
// What is asked for by number: odd ones fail, even ones die, each after so many milliseconds.
task<int, err> ask(int n) {
    auto const d = std::chrono::milliseconds{n};
    if (n % 2 == 0) {
        co_return co_await coir::uninterruptible(dies(d, std::to_string(n)));
    }
    co_return co_await coir::uninterruptible(fails(d, n));
}
stream<int, err> asked(int n) { co_yield co_await ask(n); }

// Nobody ends before all have been started, which an end would prevent.
class all_begun {
public:
    explicit all_begun(int n) : left_{n} {}
    task<int, err> then_end(int n) {
        if (left_.fetch_sub(1) == 1) {
            all_.succeed();
        }
        co_await all_;
        if (n % 2 == 0) {
            co_return co_await dies(0ms, std::to_string(n));
        }
        co_return co_await fails(0ms, n);
    }

private:
    std::atomic<int> left_;
    deferred<> all_;
};

// In alphabetical order.
template <class Outcome>
entries beside(Outcome const& end) {
    entries all;
    for (auto const& thrown : end.suppressed()) {
        try {
            std::rethrow_exception(thrown);
        } catch (coir::suppressed_failure<err> const& later) {
            all.push_back("failure " + std::to_string(later.error().code));
        } catch (std::runtime_error const& later) {
            all.push_back(later.what());
        }
    }
    std::sort(all.begin(), all.end());
    return all;
}

template <class Make>
auto end_of(Make make) {
    test_scheduler s;
    return s.run([&] { return collect(make()); });
}

} // namespace

TEST_CASE("of two sides that throw, the second is beside the first [S26][I12]") {
    auto const end = end_of([] { return dying(1ms, "one") | streams::merge(dying(2ms, "two")); });
    CHECK(message_of(end.defect()) == "one");
    CHECK(beside(end) == entries{"two"});
    auto const together = end_of([] { return dying(1ms, "one") | streams::merge(dying(1ms, "two")); });
    CHECK(beside(together).size() == 1);
    CHECK(beside(together).front() != message_of(together.defect()));
}

TEST_CASE("failures and exceptions after the first failure of a merge are beside it [S26][I12]") {
    auto const end = end_of(
        [] { return streams::merge(failing(2ms, 2), failing(1ms, 1), dying(3ms, "dead"), counting(3), asked(5)); });
    CHECK(end.error() == err{1});
    CHECK(beside(end) == entries{"dead", "failure 2", "failure 5"});
}

TEST_CASE("one failure alone has nothing beside it [S26]") {
    for (bool const throws : {false, true}) {
        auto const end = end_of([&] { return streams::merge(asked(throws ? 2 : 1), never_gives()); });
        CHECK(end.is_defect() == throws);
        CHECK(end.is_failure() != throws);
        CHECK(end.suppressed().empty());
    }
}

TEST_CASE("calls and inner streams that fail after the first are beside it [S22][S37][I12]") {
    auto const from = [] { return streams::from(numbers{1, 2, 3, 4}); };
    SECTION("transform_par") {
        auto const end = end_of([&] { return from() | streams::transform_par(4, ask); });
        CHECK(end.error() == err{1});
        CHECK(beside(end) == entries{"2", "4", "failure 3"});
    }
    SECTION("transform_par_unordered") {
        auto const end = end_of([&] { return from() | streams::transform_par_unordered(4, ask); });
        CHECK(end.error() == err{1});
        CHECK(beside(end) == entries{"2", "4", "failure 3"});
    }
    SECTION("flat_map") {
        auto const end = end_of([&] { return from() | streams::flat_map(4, asked); });
        CHECK(end.error() == err{1});
        CHECK(beside(end) == entries{"2", "4", "failure 3"});
    }
    SECTION("the stream above too") {
        auto const end = end_of([&] {
            return streams::concat(stream<int, err>{from()}, dying(2ms, "above")) | streams::flat_map(9, asked);
        });
        CHECK(end.error() == err{1});
        CHECK(beside(end) == entries{"2", "4", "above", "failure 3"});
    }
    SECTION("both streams of switch_map") {
        auto const end = end_of([&] {
            return streams::concat(stream<int, err>{streams::once(2)}, failing(1ms, 7)) | streams::switch_map(asked);
        });
        CHECK(end.error() == err{7});
        CHECK(beside(end) == entries{"2"});
    }
    SECTION("the sides of zip_latest") {
        auto const end = end_of([&] { return streams::zip_latest(asked(2), asked(1), asked(3)); });
        CHECK(end.error() == err{1});
        CHECK(beside(end) == entries{"2", "failure 3"});
    }
}

TEST_CASE("what is beside the end of an inner merge goes on to the outer one [S26][I12]") {
    auto const end =
        end_of([] { return streams::merge(streams::merge(asked(1), asked(2)), streams::merge(asked(3), asked(4))); });
    CHECK(end.error() == err{1});
    CHECK(beside(end) == entries{"2", "4", "failure 3"});
}

TEST_CASE("who stops early is not told who fails then, but an exception is kept [S10][I12]") {
    auto const stop = [](auto source) { return streams::merge(counting(9), std::move(source)) | streams::take(1); };
    auto const failed = end_of([&] { return stop(failing(1ms, 1)); });
    CHECK(failed.value() == numbers{0});
    CHECK(failed.suppressed().empty());
    auto const died = end_of([&] { return stop(dying(1ms, "bug")); });
    CHECK(died.value() == numbers{0});
    CHECK(beside(died) == entries{"bug"});
    auto const buffered = end_of([&] { return stop(dying(0ms, "bug") | streams::buffer(1)); });
    CHECK(buffered.value() == numbers{0});
    CHECK(beside(buffered) == entries{"bug"});
}

TEST_CASE("what dies while an interrupted stream is closed is beside the interruption [S23][I12]") {
    test_scheduler s;
    auto const work = [] { return collect(streams::merge(dying(5ms, "one"), failing(6ms, 6), failing(4ms, 4))); };
    auto const f = s.start(work);
    s.advance(1ms);
    f.request_interrupt();
    s.advance(10ms);
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->is_interrupted());
    CHECK(beside(*f.poll()) == entries{"failure 4", "failure 6", "one"});
}

TEST_CASE("all but one are beside the end, in every order and on several threads [S22][S26]") {
    auto const all = [] {
        return collect(streams::merge(streams::from(numbers{2, 4}) | streams::transform_par(2, ask), asked(6),
                                      streams::from(numbers{1}) | streams::flat_map(2, asked)));
    };
    coir::explore(coir_test::seeds(), [&](test_scheduler& s) {
        auto const end = s.run(all);
        CHECK(end.error() == err{1});
        CHECK(beside(end) == entries{"2", "4", "6"});
    });
}

TEST_CASE("all but one are beside the end on several threads [S22][S26]") {
    coir::thread_pool pool{2};
    int right = 0;
    for (int i = 0; i < 60; ++i) {
        all_begun begun{4};
        auto const work = [&](int n) -> task<int, err> { co_return co_await coir::uninterruptible(begun.then_end(n)); };
        auto const given = [&](int n) -> stream<int, err> { co_yield co_await work(n); };
        auto const all = [&] {
            return collect(streams::merge(streams::from(numbers{2, 4}) | streams::transform_par(2, std::ref(work)),
                                          given(6), given(1)));
        };
        auto const end = pool.run(all);
        entries seen = beside(end);
        seen.push_back(end.is_failure() ? "failure 1" : message_of(end.defect()));
        std::sort(seen.begin(), seen.end());
        right += seen == entries{"2", "4", "6", "failure 1"} ? 1 : 0;
    }
    CHECK(right == 60);
}
