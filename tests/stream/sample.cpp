// sample, in marbles.
#include "stream_support.hpp"

#include <coir/testing/marbles.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace stream_test;
using namespace coir::marbles;
using streams::sample;

TEST_CASE("sample gives the newest of each period, and nothing for one without [X28]") {
    CHECK(play("abc-d------e---f|", sample(3_dashes)) == "---c--d-----e---(f|)");
    CHECK(play("------abcdefghi---|", sample(3_dashes)) == "---------c--f--i--|");
}

TEST_CASE("periods follow each other from the first pull on [X28]") {
    test_scheduler s;
    s.run([&]() -> task<> {
        auto pipeline = ticking(10ms, 5) | sample(35ms);
        co_await sleep_for(18ms);
        std::vector<long> at;
        auto note = [&](int n) { at.push_back(n * 1000 + s.elapsed() / 1ms); };
        co_await (std::move(pipeline) | streams::for_each(note));
        CHECK(at == std::vector<long>{3053, 5068});
    });
}

TEST_CASE("the newest is given at the end, and dropped by a failure [X28]") {
    CHECK(play("ab-|", sample(9_dashes)) == "---(b|)");
    CHECK(play("ab-#x", sample(9_dashes)) == "---#x");
    CHECK(play("ab-*x", sample(9_dashes)) == "---*x");
    CHECK(play("ab-!", sample(9_dashes)) == "---!");
    CHECK(play("-----|", sample(2_dashes)) == "-----|");
    CHECK(play("|", sample(2_dashes)) == "|");
}

TEST_CASE("sample with no time passes everything, and with all time the last element [X19][X28]") {
    CHECK(play("(abc)d-|", sample(0s)) == "(abc)d-|");
    CHECK(play("(abc)d-|", sample((coir::clock::duration::max)())) == "---(d|)");
    CHECK_THROWS_AS(sample(-1s), std::invalid_argument);
}

TEST_CASE("while the consumer of sample is busy, upstream is one element ahead [X28][X24]") {
    board b;
    line seen;
    CHECK(b.play(b.source("abcdefgh|", seen) | sample(2_dashes), {.takes = 10_dashes}).ended() == event_kind::end);
    // b is given at 2 dashes, c is there, and the rest when the consumer comes back at 12.
    CHECK(seen == "abc---------(defgh|)");
}

TEST_CASE("sample that is interrupted or left has closed upstream [X21][X28]") {
    board b;
    line seen;
    CHECK(b.play(b.source("ab---c|", seen) | sample(9_dashes), {.interrupted_at = 3_dashes}) == "---!");
    CHECK(seen == "ab-!");
    CHECK(b.play(b.source("ab---c|", seen) | sample(2_dashes) | streams::take(1)) == "--(b|)");
    CHECK(seen == "ab!");
}
