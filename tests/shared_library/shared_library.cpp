// One program, two images: thread-locals and counters must be the same objects in both.
#include "library.hpp"

#include <coir/runtime/sync_wait.hpp>

#include <catch2/catch.hpp>

namespace {

coir::task<bool> same_fiber_on_both_sides() { co_return coir::this_fiber::id() == shared_library::current_fiber(); }

coir::task<bool> ids_are_unique_across_images() {
    auto here = coir::fork([]() -> coir::task<> { co_return; });
    auto const before = here.id();
    int const answer = co_await shared_library::forty_two();
    auto after = coir::fork([]() -> coir::task<> { co_return; });
    co_return answer == 42 && after.id().value >= before.value + 2;
}

} // namespace

TEST_CASE("a hidden-visibility library sees the program's current fiber") {
    CHECK(coir::sync_wait(same_fiber_on_both_sides).value());
}

TEST_CASE("a fiber forked in a library is a child like others, and ids are one sequence") {
    CHECK(coir::sync_wait(ids_are_unique_across_images).value());
}
