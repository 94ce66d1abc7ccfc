// What is beside a failure goes with it when the failure is handled, so that a fiber may handle failures
// for ever; what is beside the cause why a finalizer runs does not.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/interrupt.hpp>
#include <coir/schedule.hpp>
#include <coir/stream.hpp>
#include <coir/suppressed_failure.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using coir::task;
using coir_test::failed;
namespace streams = coir::streams;

namespace {

// Fails with what a finalizer throws beside it.
task<int, failed> fails_badly(std::string what) {
    auto const clean = [what]() -> task<> {
        co_await coir::yield();
        throw std::runtime_error{what};
    };
    auto const fails = []() -> task<int, failed> {
        co_await coir::fail(failed{1});
        co_return 0;
    };
    co_return co_await coir::ensuring(fails(), clean);
}

std::vector<std::string> beside(std::span<std::exception_ptr const> suppressed) {
    std::vector<std::string> all;
    for (auto const& thrown : suppressed) {
        try {
            std::rethrow_exception(thrown);
        } catch (std::exception const& e) {
            all.emplace_back(e.what());
        }
    }
    return all;
}

using names = std::vector<std::string>;

} // namespace

// Each alone, as whoever handles a failure forgets what others left.
TEST_CASE("what is beside a failure that is handled goes with it [I12]") {
    auto const left_by = [](auto handle) {
        auto const body = [&]() -> task<> { co_await handle(); };
        auto const end = coir::test_scheduler{}.run(body);
        CHECK(end.is_success());
        return beside(end.suppressed());
    };
    auto const instead = [](failed) -> task<int> { co_return 0; };
    auto const none = [](failed) { return streams::empty<int>(); };
    auto const source = [] { return streams::from_task(fails_badly("source")); };
    CHECK(left_by([] { return coir::as_result(fails_badly("as_result")); }).empty());
    CHECK(left_by([] { return coir::as_outcome(fails_badly("as_outcome")); }).empty());
    CHECK(left_by([] { return coir::value_or(fails_badly("value_or"), 0); }).empty());
    CHECK(left_by([&] { return coir::or_else(fails_badly("or_else"), instead); }).empty());
    CHECK(left_by([&] { return source() | streams::or_else(none) | streams::drain(); }).empty());
    CHECK(left_by([&] { return source() | streams::as_results() | streams::drain(); }).empty());
    CHECK(left_by([&] { return source() | streams::as_results() | streams::buffer(1) | streams::first(); }).empty());
}

TEST_CASE("what is beside the failure of an attempt goes with it, of the last one stays [I12]") {
    int attempts = 0;
    auto const attempt = [&] { return fails_badly(std::to_string(++attempts)); };
    auto const body = [&]() -> task<int, failed> { co_return co_await coir::retry(attempt, coir::recurs(2)); };
    auto const end = coir::test_scheduler{}.run(body);
    CHECK(attempts == 3);
    CHECK(end.is_failure());
    CHECK(beside(end.suppressed()) == names{"3"});
}

TEST_CASE("what is beside the failure of a stream that is tried again goes with it, of the last one stays [I12]") {
    int attempts = 0;
    auto const attempt = [&] { return streams::from_task(fails_badly(std::to_string(++attempts))); };
    auto const body = [&]() -> task<void, failed> {
        co_await (streams::retry(attempt, coir::recurs(2)) | streams::drain());
    };
    auto const end = coir::test_scheduler{}.run(body);
    CHECK(end.is_failure());
    CHECK(beside(end.suppressed()) == names{"3"});
}

TEST_CASE("a finalizer that handles failures leaves alone what is beside the cause why it runs [I12]") {
    auto const handles = []() -> task<> {
        co_await coir::as_result(fails_badly("handled"));
        co_await coir::value_or(fails_badly("handled"), 0);
    };
    auto const body = [&]() -> task<int, failed> { co_return co_await coir::ensuring(fails_badly("kept"), handles); };
    CHECK(beside(coir::test_scheduler{}.run(body).suppressed()) == names{"kept"});

    auto const throws = [&]() -> task<> {
        co_await coir::as_outcome(fails_badly("handled"));
        throw std::runtime_error{"later"};
    };
    auto const both = [&]() -> task<int, failed> { co_return co_await coir::ensuring(fails_badly("kept"), throws); };
    CHECK(beside(coir::test_scheduler{}.run(both).suppressed()) == names{"kept", "later"});
}

TEST_CASE("a fiber that catches exceptions for ever does not keep all that was beside them [I12]") {
    auto const dies_badly = []() -> task<> {
        auto const dies = []() -> task<> {
            throw std::logic_error{"first"};
            co_return;
        };
        auto const clean = []() -> task<> {
            throw std::runtime_error{"beside"};
            co_return;
        };
        co_await coir::ensuring(dies(), clean);
    };
    auto const body = [&]() -> task<> {
        for (int i = 0; i < 1'000; ++i) {
            try {
                co_await dies_badly();
            } catch (std::logic_error const&) { // and goes on
            }
        }
    };
    CHECK(coir::test_scheduler{}.run(body).suppressed().size() <= coir::detail::suppressed_list::most);
}
