// halt_when and halt_after, in marbles.
#include "stream_support.hpp"

#include <coir/testing/marbles.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace stream_test;
using namespace coir::marbles;
using streams::halt_after;
using streams::halt_when;

TEST_CASE("halt_when lets the pull in progress complete, and gives its element [X11]") {
    board b;
    line seen;
    CHECK(b.play(b.source("a----b----c|", seen) | halt_when(b.signal("--|"))) == "a----(b|)");
    CHECK(seen == "a----(b/)"); // nothing was interrupted
    CHECK(b.play(b.source("a----|", seen) | halt_when(b.signal("--|"))) == "a----|");
    CHECK(seen == "a----|");
}

TEST_CASE("a signal that fires while an element is made ends the stream after it [X12]") {
    test_scheduler s;
    deferred<> stop;
    numbers all;
    s.run([&]() -> task<> {
        auto stops = [&](int n) {
            if (n == 2) {
                stop.succeed();
            }
        };
        all = co_await (streams::from(one_to(9)) | streams::tap(stops) | halt_when(stop) | streams::to_vector());
    });
    CHECK(all == numbers{1, 2});
}

TEST_CASE("a signal that fires while the consumer has an element ends the stream after that [X11]") {
    board b;
    line seen;
    CHECK(b.play(b.source("abc|", seen) | halt_when(b.signal("--|")), {.takes = 3_dashes}) == "a--|");
    CHECK(seen == "a--/");
}

TEST_CASE("a signal that is done already: upstream is not pulled once [X3]") {
    board b;
    line seen;
    auto& done = b.signal("");
    done.succeed();
    CHECK(b.play(b.source("abc|", seen) | halt_when(done)) == "|");
    CHECK(seen == "");
}

TEST_CASE("how the signal ended otherwise is how the stream ends [X2]") {
    board b;
    CHECK(b.play(b.source("a----b--|") | halt_when(b.signal("--#x"))) == "a----(b#x)");
    CHECK(b.play(b.source("a----b--|") | halt_when(b.signal("--*x"))) == "a----(b*x)");
    CHECK(b.play(b.source("a----b--|") | halt_when(b.signal("--!"))) == "a----(b!)");
}

TEST_CASE("how upstream ended is how the stream ends [X11]") {
    auto const end = GENERATE(as<std::string>{}, "a-b|", "a-#x", "a-*x", "a-!");
    board b;
    auto& never_done = b.signal("");
    CHECK(b.play(b.source(end) | halt_when(never_done)) == end);
    CHECK(never_done.waiter_count() == 0);
    CHECK(b.play(b.source(end) | halt_after(1h)) == end);
}

TEST_CASE("what a finalizer throws is seen if the signal was no failure of its own [X2]") {
    board b;
    auto throws = throwing_finalizer("finalizer");
    CHECK(b.play(b.source("a---b|") | streams::ensuring(throws) | halt_when(b.signal("--|"))) == "a---(b*{finalizer})");
    CHECK(b.play(b.source("a---b|") | streams::ensuring(throws) | halt_when(b.signal("--#x"))) == "a---(b#x)");
    CHECK(b.play(b.source("a---b|") | streams::ensuring(throws) | halt_when(b.signal("--*x"))) == "a---(b*x)");
}

TEST_CASE("streams that are halted can be interrupted, and left [X11]") {
    board b;
    line seen;
    CHECK(b.play(b.source("a----b|", seen) | halt_when(b.signal("")), {.interrupted_at = 2_dashes}) == "a-!");
    CHECK(seen == "a-!");
    CHECK(b.play(b.source("a----b|", seen) | halt_after(1h) | streams::take(1)) == "(a|)");
    CHECK(seen == "(a/)");
}

TEST_CASE("halt_after ends between two pulls [X14]") {
    board b{1s};
    line seen;
    CHECK(b.play(b.source("a--b--c---d|", seen) | halt_after(5s)) == "a--b--(c|)");
    CHECK(seen == "a--b--(c/)");
    CHECK(b.play(b.source("------a|", seen) | halt_after(5s)) == "------(a|)");
    CHECK(b.play(b.source("a--b|", seen) | halt_after(3s)) == "a--(b|)");
    CHECK(seen == "a--(b/)");
}

TEST_CASE("the time of halt_after begins with the first pull, and the consumer's counts [X14]") {
    CHECK(play("(abcde)|", halt_after(5_dashes), {.takes = 2_dashes}) == "a-b-c-|");
    test_scheduler s;
    s.run([]() -> task<> {
        auto pipeline = ticking(10ms, 10) | halt_after(25ms);
        co_await sleep_for(1h);
        auto const all = co_await (std::move(pipeline) | streams::to_vector());
        CHECK(all == numbers{1, 2, 3});
    });
}

TEST_CASE("halt_after with no time pulls nothing, and with all time everything [X19]") {
    board b;
    line seen;
    CHECK(b.play(b.source("a|", seen) | halt_after(0s)) == "|");
    CHECK(seen == "");
    CHECK(b.play(b.source("a[9s]b|") | halt_after((coir::clock::duration::max)())) == "a[9s]b|");
    CHECK_THROWS_AS(halt_after(-1s), std::invalid_argument);
}

TEST_CASE("halt_when in a pipeline of fused stages looks between any two elements [X12]") {
    test_scheduler s;
    for (int const at : {1, 2, 7, 2'000}) {
        deferred<> stop;
        int sum = 0;
        int made = 0;
        s.run([&]() -> task<> {
            auto stops = [&](int n) {
                ++made;
                if (n == at) {
                    stop.succeed();
                }
            };
            sum = co_await (streams::from(std::views::iota(1, 5'000)) | streams::tap(stops) |
                            streams::filter([](int n) { return n % 2 == 0; }) | halt_when(stop) |
                            streams::transform([](int) { return 1; }) | streams::fold(0, std::plus{}));
        });
        int const last = at + at % 2; // the pull in progress goes on to an even number
        CHECK(made == last);
        CHECK(sum == last / 2);
    }
}
