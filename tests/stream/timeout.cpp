// timeout and its relatives, and interrupt_after, in marbles.
#include "stream_support.hpp"

#include <coir/testing/marbles.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace stream_test;
using namespace coir::marbles;
using streams::interrupt_after;
using streams::timeout_fail;
using streams::timeout_first;
using streams::timeout_total;

namespace {

constexpr auto forever = (coir::clock::duration::max)();

// Needs a while to be interrupted.
auto slow_to_leave(std::chrono::milliseconds d) {
    return [d](char c) -> task<char> {
        auto work = [](char x) -> task<char> {
            co_await sleep_for(30_dashes);
            co_return x;
        };
        auto leave = [d]() -> task<> { co_await sleep_for(d); };
        co_return co_await coir::ensuring(work(c), leave);
    };
}

} // namespace

TEST_CASE("a gap that is too long fails, and the pull in it is interrupted [X33]") {
    board b;
    line seen;
    CHECK(b.play(b.source("a-b----c|", seen) | timeout_fail(3_dashes, 't')) == "a-b--#t");
    CHECK(seen == "a-b--!");
    CHECK(b.play(b.source("a-b--c-|", seen) | timeout_fail(4_dashes, 't')) == "a-b--c-|");
    CHECK(b.play(b.source("a-b-----|", seen) | timeout_fail(3_dashes, 't')) == "a-b--#t"); // for the end, too
}

TEST_CASE("a gap that is too long ends the stream, where it is not a failure [X33]") {
    board b;
    line seen;
    CHECK(b.play(b.source("a-b----c|", seen) | streams::timeout(3_dashes)) == "a-b--|");
    CHECK(seen == "a-b--!");
    CHECK(b.play(b.source("a-b-#x", seen) | streams::timeout(3_dashes)) == "a-b-#x");
}

TEST_CASE("the first element may take its time, unless it has a limit of its own [X34]") {
    CHECK(play("-----a-|", timeout_fail(3_dashes, 't')) == "-----a-|");
    CHECK(play("-----a-|", streams::timeout(3_dashes)) == "-----a-|");
    CHECK(play("-----a-|", timeout_first(3_dashes, 's')) == "---#s");
    CHECK(play("--a------b|", timeout_first(3_dashes, 's')) == "--a------b|");
    CHECK(play("-----|", timeout_first(3_dashes, 's')) == "---#s");
    board b;
    auto both = [&](char const* text) {
        return b.source(text) | timeout_first(5_dashes, 's') | timeout_fail(2_dashes, 't');
    };
    CHECK(b.play(both("----a----b|")) == "----a-#t");
    CHECK(b.play(both("------a|")) == "-----#s");
    CHECK(b.play(both("----abcd|")) == "----abcd|");
}

TEST_CASE("the consumer's time does not count between elements [X33]") {
    CHECK(play("(ab)|", timeout_fail(3_dashes, 't'), {.takes = 9_dashes}) == "a--------b--------|");
    CHECK(play("(abc)|", timeout_total(10_dashes, 't'), {.takes = 9_dashes}) == "a--------b--------#t");
}

TEST_CASE("what is in the pull has cleaned up before the failure is seen [X33]") {
    board b;
    line seen;
    CHECK(b.play(b.source("(ab)|", seen) | streams::transform(slow_to_leave(50ms)) | timeout_first(3_dashes, 't')) ==
          "--------#t");
    CHECK(seen == "(a)-------/");
}

TEST_CASE("all may take so long in all [X33]") {
    board b;
    line seen;
    CHECK(b.play(b.source("a-b----c|", seen) | timeout_total(5_dashes, 't')) == "a-b--#t");
    CHECK(seen == "a-b--!");
    CHECK(b.play(b.source("a-b----c|", seen) | timeout_total(9_dashes, 't')) == "a-b----c|");
}

TEST_CASE("no time at all is enough for what is there [X19]") {
    CHECK(play("(abc|)", timeout_fail(0s, 't')) == "(abc|)");
    CHECK(play("ab|", timeout_fail(0s, 't')) == "(a#t)");
    CHECK(play("a|", timeout_first(0s, 't')) == "a|");
    CHECK(play("-a|", timeout_first(0s, 't')) == "#t");
    CHECK(play("a|", timeout_total(0s, 't')) == "#t");
    CHECK(play("ab|", streams::timeout(0s)) == "(a|)");
    CHECK(play("a|", interrupt_after(0s)) == "|");
}

TEST_CASE("all time is no limit, and a negative one is rejected [X19]") {
    CHECK(play("a[9s]b|", timeout_fail(forever, 't')) == "a[9s]b|");
    CHECK(play("[9s]a|", timeout_first(std::chrono::hours::max(), 't')) == "[9s]a|");
    CHECK(play("[9s]a|", timeout_total(forever, 't')) == "[9s]a|");
    CHECK(play("a[9s]b|", streams::timeout(forever)) == "a[9s]b|");
    CHECK(play("a[9s]b|", interrupt_after(forever)) == "a[9s]b|");
    CHECK_THROWS_AS(timeout_fail(-1ns, 't'), std::invalid_argument);
    CHECK_THROWS_AS(timeout_first(-1ns, 't'), std::invalid_argument);
    CHECK_THROWS_AS(timeout_total(-1ns, 't'), std::invalid_argument);
    CHECK_THROWS_AS(streams::timeout(-1ns), std::invalid_argument);
    CHECK_THROWS_WITH(interrupt_after(-1ns), "coir: interrupt_after needs a time that is not negative");
}

TEST_CASE("interrupt_after ends at its time, in the middle of a pull [X13]") {
    board b{1s};
    line seen;
    CHECK(b.play(b.source("a--b--c|", seen) | interrupt_after(5s)) == "a--b-|");
    CHECK(seen == "a--b-!");
    CHECK(b.play(b.source("------a|", seen) | interrupt_after(5s)) == "-----|");
    CHECK(seen == "-----!");
    CHECK(b.play(b.source("a--b|", seen) | interrupt_after(5s)) == "a--b|");
}

TEST_CASE("interrupt_after does not interrupt the stages below, and ends before the next pull [X7][X13]") {
    board b;
    line seen;
    CHECK(b.play(b.source("a--b--c|", seen) | interrupt_after(5_dashes), {.takes = 4_dashes}) == "a---b---|");
    CHECK(seen == "a---b---/");
    auto work = [](char c) -> task<char> {
        co_await sleep_for(4_dashes);
        co_return c;
    };
    CHECK(b.play(b.source("a--b--c|", seen) | interrupt_after(5_dashes) | streams::transform(work)) == "----a---(b|)");
}

TEST_CASE("who is interrupted in a limited pull is interrupted, also when the limit passes meanwhile [X33]") {
    board b;
    line seen;
    CHECK(b.play(b.source("a----b|", seen) | timeout_fail(9_dashes, 't'), {.interrupted_at = 2_dashes}) == "a-!");
    CHECK(seen == "a-!");
    CHECK(b.play(b.source("a|", seen) | streams::transform(slow_to_leave(90ms)) | timeout_first(5_dashes, 't'),
                 {.interrupted_at = 2_dashes}) == "-----------!");
    CHECK(b.play(b.source("a|", seen) | streams::transform(slow_to_leave(90ms)) | interrupt_after(5_dashes),
                 {.interrupted_at = 7_dashes}) == "--------------!");
}

TEST_CASE("how upstream ended passes through limits that were kept [X33]") {
    auto const text = GENERATE(as<std::string>{}, "a-b|", "a-#x", "a-*x", "a-!");
    CHECK(play(text, timeout_fail(1h, 't')) == text);
    CHECK(play(text, streams::timeout(1h)) == text);
    CHECK(play(text, interrupt_after(1h)) == text);
}

TEST_CASE("what a finalizer throws after a defect in a limited pull is suppressed [X33][I12]") {
    test_scheduler s;
    auto const boom = [](int) -> int { throw std::runtime_error{"boom"}; };
    auto const check = [&](auto limit) {
        auto const end = s.run([&]() -> task<> {
            co_await (ticking(1ms, 3) | streams::ensuring(throwing_finalizer("finalizer")) | streams::transform(boom) |
                      std::move(limit) | streams::drain());
        });
        CHECK(message_of(end.defect()) == "boom");
        REQUIRE(end.suppressed().size() == 1);
        CHECK(message_of(end.suppressed()[0]) == "finalizer");
    };
    check(streams::timeout(1s));
    check(interrupt_after(1s));
}

TEST_CASE("limits in limits: the nearest one counts [X33]") {
    board b;
    CHECK(b.play(b.source("a-------b|") | timeout_fail(3_dashes, 'i') | timeout_fail(5_dashes, 'o')) == "a--#i");
    CHECK(b.play(b.source("a-------b|") | timeout_fail(5_dashes, 'i') | timeout_fail(3_dashes, 'o')) == "a--#o");
    CHECK(b.play(b.source("a-------b|") | timeout_fail(5_dashes, 'i') | interrupt_after(4_dashes)) == "a---|");
}

TEST_CASE("what a stream goes on with when an element was late is not timed [X33]") {
    board b;
    line seen, instead;
    auto cached = [&](auto const&) { return b.source("-----x-----y|", instead); };
    CHECK(b.play(b.source("a-b----c|", seen) | timeout_fail(3_dashes, 't') | streams::or_else(cached)) ==
          "a-b-------x-----y|");
    CHECK(seen == "a-b--!");
    CHECK(instead == "----------x-----y|");
}
