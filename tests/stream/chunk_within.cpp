// chunk_within, in marbles.
#include "stream_support.hpp"

#include <coir/testing/marbles.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace stream_test;
using namespace coir::marbles;
using streams::chunk_within;

TEST_CASE("a chunk is given when it is full, or when its time is over [X30]") {
    board b{1s};
    CHECK(b.play<int>("(12345)----|", chunk_within(3, 1s)) == "{123}{45}---|");
    CHECK(b.play("abc-d---ef--|", chunk_within(2, 3s)) == "-{ab}--{cd}----{ef}--|");
}

TEST_CASE("the time counts from a chunk's first element [X30]") {
    CHECK(play("a-b-c-d-----|", chunk_within(9, 25ms)) == "--[5ms]{ab}---{cd}----[5ms]|");
    CHECK(play("-----a-----|", chunk_within(9, 2_dashes)) == "-------a---|");
}

TEST_CASE("there is no chunk without an element [X31]") {
    CHECK(play("-------a------b-----|", chunk_within(3, 1_dash)) == "--------a------b----|");
    CHECK(play("-----|", chunk_within(3, 1_dash)) == "-----|");
    CHECK(play("(abc)-----|", chunk_within(3, 1_dash)) == "{abc}-----|");
    CHECK(play("[9s]", chunk_within(3, 1_dash)) == "");
}

TEST_CASE("the end does not wait for the time, and a failure drops what there is [X32]") {
    CHECK(play("ab-|", chunk_within(3, 9_dashes)) == "---({ab}|)");
    CHECK(play("ab-#x", chunk_within(3, 9_dashes)) == "---#x");
    CHECK(play("ab-*x", chunk_within(3, 9_dashes)) == "---*x");
    CHECK(play("ab-!", chunk_within(3, 9_dashes)) == "---!");
}

TEST_CASE("all time is no limit, no time is none to wait, and nonsense is rejected [X19][X30]") {
    CHECK(play("abc[9s]|", chunk_within(2, (coir::clock::duration::max)())) == "-{ab}[9010ms](c|)");
    CHECK(play("a-b|", chunk_within(2, 0s)) == "a-b|");
    CHECK(play("abc|", chunk_within(1, 1h)) == "abc|");
    CHECK_THROWS_AS(chunk_within(2, -1s), std::invalid_argument);
    CHECK_THROWS_AS(chunk_within(0, 1s), std::invalid_argument);
}

TEST_CASE("no element is lost or doubled, in every order of the fibers [X30]") {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        INFO("seed " << seed);
        test_scheduler s{seed};
        numbers all;
        s.run([&]() -> task<> {
            auto source = []() -> stream<int> {
                for (int i = 0; i < 40; ++i) {
                    if (i % 3 == 0) {
                        co_await sleep_for(std::chrono::milliseconds{i % 4});
                    }
                    co_yield i;
                }
            };
            auto append = [&](numbers const& chunk) -> task<> {
                CHECK((!chunk.empty() && chunk.size() <= 4));
                all.insert(all.end(), chunk.begin(), chunk.end());
                co_await sleep_for(std::chrono::milliseconds{chunk.back() % 2});
            };
            co_await (source() | chunk_within(4, 1ms) | streams::for_each(append));
        });
        REQUIRE(all.size() == 40);
        for (int i = 0; i < 40; ++i) {
            CHECK(all[static_cast<std::size_t>(i)] == i);
        }
    }
}

TEST_CASE("chunk_within that is interrupted or left has closed upstream [X21][X30]") {
    board b;
    line seen;
    CHECK(b.play(b.source("ab---c|", seen) | chunk_within(9, 9_dashes), {.interrupted_at = 3_dashes}) == "---!");
    CHECK(seen == "ab-!");
    CHECK(b.play(b.source("ab---c|", seen) | chunk_within(2, 9_dashes) | streams::take(1)) == "-({ab}|)");
    CHECK(seen == "a(b!)");
}
