// Both namespaces at once, beside POSIX: no name is ambiguous, and each means what its use says.
#include <coir/coir.hpp>

#include <catch2/catch.hpp>

#include <vector>

#include <unistd.h>

using namespace coir;
using namespace coir::streams;

namespace {

auto const twice = [](int x) { return 2 * x; };

task<int> one() { co_return 1; }

task<std::vector<int>> doubled_stream() {
    std::vector<int> numbers{1, 2, 3};
    deferred<> stop;
    auto pipeline = from(numbers) | transform(twice) | interrupt_when(stop) | take(2) | to_vector();
    co_return co_await std::move(pipeline);
}

task<int> doubled_task() {
    auto child = fork(one);
    co_await child;
    co_return co_await (one() | transform(twice));
}

} // namespace

TEST_CASE("the names of coir and coir::streams are usable unqualified, beside <unistd.h>") {
    CHECK(sync_wait(doubled_stream).value() == std::vector<int>{2, 4});
    CHECK(sync_wait(doubled_task).value() == 2);
    pid_t (*posix_fork)() = &::fork;
    CHECK(posix_fork != nullptr);
}
