// Both namespaces at once, beside POSIX: no name is ambiguous, and each means what its use says.
#include <coir/coir.hpp>
#include <coir/interop/from_callback.hpp>

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

task<int> called_back() {
    auto const once = [](auto done) { done.succeed(1); };
    int const first = co_await from_callback<int>(once);
    auto const often = [](emitter<int> to) {
        to.emit(2);
        to.end();
    };
    auto pipeline = from_callback<int>(bounded(1), often) | to_vector();
    auto const more = co_await std::move(pipeline);
    co_return first + more.front();
}

enum class err { broken };
task<int, err> broken() {
    co_await fail<err>(err::broken);
    co_return 1;
}
auto broken_stream() { return fail_with<int>(err::broken); }

task<std::vector<int>> recovered() {
    auto const of_task = [](err) -> task<int> { co_return 2; };
    auto const of_stream = [](err) { return once(3); };
    int const a = co_await (retry(broken, recurs(2)) | transform_error([](err e) { return e; }) | or_else(of_task));
    std::vector<int> all =
        co_await (concat(retry(broken_stream, recurs(2)) | or_else(of_stream), iota(4, 6), empty<int>()) |
                  take_while([](int n) { return n < 9; }) | drop(0) | changes() | to_vector());
    auto const head = co_await (from(all) | first());
    auto const number = co_await (from(all) | count());
    all.push_back(a);
    all.push_back(*head);
    all.push_back(static_cast<int>(number));
    co_return all;
}

} // namespace

TEST_CASE("the names of coir and coir::streams are usable unqualified, beside <unistd.h>") {
    CHECK(sync_wait(doubled_stream).value() == std::vector<int>{2, 4});
    CHECK(sync_wait(doubled_task).value() == 2);
    CHECK(sync_wait(called_back).value() == 3);
    CHECK(sync_wait(recovered).value() == std::vector<int>{3, 4, 5, 2, 3, 3});
    pid_t (*posix_fork)() = &::fork;
    CHECK(posix_fork != nullptr);
}
