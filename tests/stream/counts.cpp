// How many: what operators take that are told a number.
#include <coir/combine.hpp>
#include <coir/schedule.hpp>

#include "stream_support.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <stdexcept>
#include <type_traits>

using namespace stream_test;

namespace {

template <class Source>
numbers all_of(Source source) {
    test_scheduler s;
    return s.run([&]() -> task<numbers> { co_return co_await (std::move(source) | streams::to_vector()); }).value();
}

} // namespace

TEST_CASE("a negative number of elements is refused, and says so [S2][S3]") {
    int n = -1;
    auto is_even = [](int i) { return i % 2 == 0; };
    CHECK_THROWS_WITH(streams::take(n), "coir: a number of things cannot be negative");
    CHECK_THROWS_AS(streams::take(-1), std::invalid_argument);
    CHECK_THROWS_AS(streams::take(static_cast<signed char>(-1)), std::invalid_argument);
    CHECK_THROWS_AS(streams::take(std::integral_constant<long, -2>{}), std::invalid_argument);
    CHECK_THROWS_AS(streams::drop(n), std::invalid_argument);
    CHECK_THROWS_AS(streams::chunk(n), std::invalid_argument);
    CHECK_THROWS_AS(streams::chunk_within(n, 1s), std::invalid_argument);
    CHECK_THROWS_AS(streams::debounce_collect(1s, 1s, n), std::invalid_argument);
    CHECK_THROWS_AS(streams::partition(is_even, n), std::invalid_argument);
    CHECK_THROWS_AS(streams::split_lines(n), std::invalid_argument);
    CHECK_THROWS_AS(streams::split_json_lines(n), std::invalid_argument);
    CHECK_THROWS_AS(streams::buffer(n), std::invalid_argument);
    CHECK_THROWS_AS(streams::broadcast(n), std::invalid_argument);
    CHECK_THROWS_AS(streams::transform_par(n, is_even), std::invalid_argument);
    CHECK_THROWS_AS(coir::max_concurrency{n}, std::invalid_argument);
    CHECK_THROWS_AS(coir::recurs(n), std::invalid_argument);
}

TEST_CASE("a number of elements may be of any integral type [S2]") {
    enum few { none, one, two };
    CHECK(all_of(streams::iota(0, 9) | streams::take(short{2})) == numbers{0, 1});
    CHECK(all_of(streams::iota(0, 9) | streams::take(std::size_t{2})) == numbers{0, 1});
    CHECK(all_of(streams::iota(0, 9) | streams::take(std::integral_constant<int, 2>{})) == numbers{0, 1});
    CHECK(all_of(streams::iota(0, 9) | streams::take(two)) == numbers{0, 1});
    CHECK(all_of(streams::iota(0, 9) | streams::drop(7ULL)) == numbers{7, 8});
    CHECK(all_of(streams::iota(0, 2) | streams::take((std::numeric_limits<std::size_t>::max)())) == numbers{0, 1});
    CHECK(coir::max_concurrency{3}.limit == 3);
}
