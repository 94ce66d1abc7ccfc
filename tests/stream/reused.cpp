// Operators that have a name, and so are used more than once.
#include "stream_support.hpp"

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>

using namespace stream_test;
using coir_test::counted;

namespace {

template <class Source>
numbers all_of(Source source) {
    test_scheduler s;
    return s.run([&]() -> task<numbers> { co_return co_await (std::move(source) | streams::to_vector()); }).value();
}

} // namespace

TEST_CASE("an operator with a name is used for several streams") {
    auto evens = streams::filter([](int i) { return i % 2 == 0; });
    auto const first_two = streams::take(2);
    CHECK(all_of(streams::iota(0, 9) | evens) == numbers{0, 2, 4, 6, 8});
    CHECK(all_of(streams::iota(1, 9) | evens | first_two) == numbers{2, 4});
    CHECK(all_of(streams::iota(3, 9) | first_two) == numbers{3, 4});
    CHECK(all_of(stream<int>{counting(5)} | evens) == numbers{0, 2, 4});
    CHECK(all_of(streams::iota(5, 9) | std::move(evens)) == numbers{6, 8});
}

TEST_CASE("a sink with a name, too") {
    auto const sum = streams::fold(0, std::plus<>{});
    test_scheduler s;
    auto const both = s.run([&]() -> task<int> {
        int const a = co_await (streams::iota(0, 4) | sum);
        int const b = co_await (streams::iota(0, 5) | sum);
        co_return a * 100 + b;
    });
    CHECK(both.value() == 610);
}

TEST_CASE("each use has a copy of what the operator holds, with a state of its own") {
    auto const every_second = streams::filter([n = 0](int) mutable { return n++ % 2 == 0; });
    CHECK(all_of(streams::iota(0, 3) | every_second) == numbers{0, 2});
    CHECK(all_of(streams::iota(0, 3) | every_second) == numbers{0, 2});

    auto adding = [c = counted{1}](int i) { return i + c.value; };
    auto const add = streams::transform(coir::moved(adding));
    counted::reset();
    auto once = streams::iota(0, 2) | add;
    CHECK(counted::copies() == 1);
    CHECK(all_of(std::move(once)) == numbers{1, 2});
    CHECK(counted::copies() == 1);
}
