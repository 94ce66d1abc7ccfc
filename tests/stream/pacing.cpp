// throttle and spaced, in marbles.
#include "stream_support.hpp"

#include <coir/testing/marbles.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <ranges>
#include <stdexcept>

using namespace stream_test;
using namespace coir::marbles;
using streams::excess;
using streams::spaced;
using streams::throttle;
using streams::throttle_options;

namespace {

constexpr throttle_options dropping{.excess = excess::is_dropped};
constexpr auto forever = (coir::clock::duration::max)();

} // namespace

TEST_CASE("what comes too early waits, and none is lost [X29]") {
    CHECK(play("(abc)------|", throttle(2_dashes)) == "a-b-c--|");
    CHECK(play("(abc)---d--|", throttle(2_dashes)) == "a-b-c-d|");
}

TEST_CASE("what does not come too early passes at once [X29]") {
    CHECK(play("a-b---c-|", throttle(2_dashes)) == "a-b---c-|");
    CHECK(play("-a--b-|", throttle(2_dashes)) == "-a--b-|");
    CHECK(play("a--bc----|", throttle(2_dashes)) ==
          "a--b-c---|"); // the time counts from b, not from when it could have come
}

TEST_CASE("what is too much is dropped [X29]") {
    CHECK(play("(abc)-(de)-|", throttle(2_dashes, dropping)) == "a-d-|");
    CHECK(play("ab-cde-f|", throttle(2_dashes, dropping)) == "a--c-e-f|");
}

TEST_CASE("after a pause a burst passes, and then one in each time [X29]") {
    throttle_options options{.burst = 3};
    CHECK(play("(abcde)|", throttle(2_dashes, options)) == "(abc)-d-(e|)");
    CHECK(play("(abc)------(def)-|", throttle(2_dashes, options)) == "(abc)------(def)-|");
    CHECK(play("(abc)---(def)----|", throttle(2_dashes, options)) == "(abc)---(de)-f--|"); // two have come back
    options.excess = excess::is_dropped;
    CHECK(play("(abcde)-(fg)-|", throttle(2_dashes, options)) == "(abc)-f-|");
}

TEST_CASE("throttle with no time passes everything, and with all time one element [X19][X29]") {
    CHECK(play("(abc)d|", throttle(0ms)) == "(abc)d|");
    CHECK(play("(abc)d|", throttle(0ms, dropping)) == "(abc)d|");
    CHECK(play("(abc)d|", throttle(forever)) == "a");
    CHECK(play("(abc)d|", throttle(forever, dropping)) == "a-|");
    CHECK(play("(abc)d|", throttle(std::chrono::hours::max(), throttle_options{.burst = 2})) == "(ab)");
}

TEST_CASE("throttle and spaced reject a negative time, and throttle a burst of none [X19]") {
    CHECK_THROWS_AS(throttle(-1ns), std::invalid_argument);
    CHECK_THROWS_AS(throttle(std::chrono::duration<double>{std::nan("")}), std::invalid_argument);
    CHECK_THROWS_AS(throttle(1s, throttle_options{.burst = 0}), std::invalid_argument);
    CHECK_THROWS_WITH(spaced(-1s), "coir: spaced needs a time that is not negative");
}

TEST_CASE("the end and a failure do not wait, what came before them does [X29]") {
    CHECK(play("a|", throttle(5_dashes)) == "a|");
    CHECK(play("a#x", throttle(5_dashes)) == "a#x");
    CHECK(play("(ab)#x", throttle(5_dashes)) == "a----(b#x)");
    CHECK(play("a*x", throttle(5_dashes)) == "a*x");
    CHECK(play("a!", throttle(5_dashes)) == "a!");
    CHECK(play("|", throttle(5_dashes)) == "|");
}

TEST_CASE("while an element waits, upstream is not pulled [X29]") {
    board b;
    line seen;
    CHECK(b.play(b.source("(abc)|", seen) | throttle(2_dashes)) == "a-b-(c|)");
    CHECK(seen == "(ab)-c-|");
}

TEST_CASE("throttle that is interrupted or left drops what waits and closes upstream [X29]") {
    board b;
    line seen;
    CHECK(b.play(b.source("ab|", seen) | throttle(5_dashes), {.interrupted_at = 3_dashes}) == "a--!");
    CHECK(seen == "ab-/");
    CHECK(b.play(b.source("a----b|", seen) | throttle(2_dashes), {.interrupted_at = 3_dashes}) == "a--!");
    CHECK(seen == "a--!");
    CHECK(b.play(b.source("ab|", seen) | throttle(5_dashes) | streams::take(1)) == "(a|)");
    CHECK(seen == "(a/)");
}

TEST_CASE("a source that is always too early, and never waits, is let be interrupted [I1]") {
    test_scheduler s;
    s.run([]() -> task<> {
        auto drain = []() -> task<> {
            co_await (streams::from(std::views::iota(0)) |
                      throttle(1h, throttle_options{.excess = excess::is_dropped}) | streams::drain());
        };
        auto const f = fork(drain);
        co_await coir::yield();
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
    });
}

TEST_CASE("spaced rests before each pull but the first") {
    CHECK(play("(abc)|", spaced(2_dashes)) == "a-b-c-|");
    CHECK(play("a-----b|", spaced(2_dashes)) == "a-----b-|");
    CHECK(play("---a|", spaced(2_dashes)) == "---a-|");
    CHECK(play("a#x", spaced(2_dashes)) == "a-#x");
    CHECK(play("|", spaced(2_dashes)) == "|");
}

TEST_CASE("spaced counts from when the consumer wants more") {
    CHECK(play("(abc)|", spaced(2_dashes), {.takes = 1_dash}) == "a--b--c--|");
}

TEST_CASE("spaced with no time passes everything, and with all time one element [X19]") {
    CHECK(play("(abc)d|", spaced(0ms)) == "(abc)d|");
    CHECK(play("(abc)d|", spaced(forever)) == "a");
}

TEST_CASE("spaced that is interrupted or left closes upstream") {
    board b;
    line seen;
    CHECK(b.play(b.source("ab|", seen) | spaced(5_dashes), {.interrupted_at = 3_dashes}) == "a--!");
    CHECK(seen == "a--/");
    CHECK(b.play(b.source("ab|", seen) | spaced(5_dashes) | streams::take(1)) == "(a|)");
    CHECK(seen == "(a/)");
}

TEST_CASE("spaced rests as a schedule says, and ends with it") {
    CHECK(play("(abcde)|", spaced(coir::exponential(2_dashes))) == "a-b---c-------d---------------e"
                                                                   "-------------------------------|");
    CHECK(play("(abcde)|", spaced(coir::spaced(2_dashes) && coir::recurs(2))) == "a-b-(c|)");
}

namespace unqualified {

using namespace coir;
using namespace coir::streams;

task<numbers> all(deferred<>& stop) {
    coir::streams::flush_handle flush;
    auto pipeline = from(one_to(3)) | timeout(1s) | interrupt_after(1h) | halt_after(1h) | halt_when(stop) |
                    throttle(1s, {.burst = 3}) | spaced(2s) | debounce(1s, {.leading = true}) | sample(1ms) |
                    debounce_collect(1ms, 1ms, 3, flush) | transform([](numbers n) { return n.front(); }) |
                    chunk_within(3, 9h) | transform([](numbers n) { return n.back(); });
    bool const slept = co_await timeout(sleep_for(1ms), 1s);
    CHECK(slept);
    co_return co_await (std::move(pipeline) | to_vector());
}

} // namespace unqualified

TEST_CASE("the names of time are usable unqualified") {
    test_scheduler s;
    deferred<> never_done;
    CHECK(s.run(unqualified::all, std::ref(never_done)).value() == numbers{3});
    CHECK(s.elapsed() >= 6s); // a stage, not a schedule
}
