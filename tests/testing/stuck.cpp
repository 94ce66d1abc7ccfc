#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using Catch::Matchers::Contains;
using coir::deferred;
using coir::fork;
using coir::fork_options;
using coir::sleep_for;
using coir::task;
using coir::test_scheduler;
using namespace std::chrono_literals;

namespace {

struct guard {
    int& left;
    ~guard() { ++left; }
};

// What driving throws, as text; empty if it throws nothing.
template <class Error, class F>
std::string error_of(F drive) {
    try {
        drive();
    } catch (Error const& e) {
        return e.what();
    }
    return {};
}

} // namespace

TEST_CASE("a run in which nothing can happen any more reports each fiber and what it waits for [K9]") {
    test_scheduler s;
    int left = 0;
    auto const text = error_of<coir::deadlock_error>([&] {
        s.run([&]() -> task<> {
            guard const g{left};
            deferred<> never;
            auto const wait = [&]() -> task<> {
                guard const inner{left};
                co_await never;
            };
            fork(fork_options{.name = "reader"}, wait);
            fork(fork_options{.name = "writer"}, wait);
            co_await sleep_for(5s);
            co_await never;
        });
    });
    CAPTURE(text);
    CHECK_THAT(text, Contains("deadlock at 5000 ms"));
    CHECK_THAT(text, Contains("(reader) waits for deferred"));
    CHECK_THAT(text, Contains("(writer) waits for deferred"));
    CHECK(text.find("(reader)") < text.find("(writer)"));
    CHECK_THAT(text, !Contains(") is ready"));
    CHECK(left == 3);
}

TEST_CASE("the report indents children below their parents [K9]") {
    test_scheduler s;
    auto const text = error_of<coir::deadlock_error>([&] {
        s.run([]() -> task<> {
            deferred<> never;
            auto const child = [&]() -> task<> {
                fork(fork_options{.name = "grandchild"}, [&]() -> task<> { co_await never; });
                co_await never;
            };
            auto f = fork(fork_options{.name = "child"}, child);
            co_await f;
        });
    });
    CAPTURE(text);
    CHECK_THAT(text, Contains("\n  fiber ") && Contains("\n    fiber ") && Contains("\n      fiber "));
    CHECK(text.find("(child)") < text.find("(grandchild)"));
}

TEST_CASE("the report shows the fibers of groups, nested as they are [K9]") {
    test_scheduler s;
    auto const text = error_of<coir::deadlock_error>([&] {
        s.run([]() -> task<> {
            deferred<> never;
            auto const wait = [&]() -> task<> { co_await never; };
            auto const two = [&]() -> task<> { co_await coir::when_all(wait(), wait()); };
            co_await coir::when_all(two(), two()); // the second runs in this fiber
        });
    });
    CAPTURE(text);
    auto const lines_at = [&](std::string const& margin) {
        std::size_t found = 0;
        for (auto at = text.find(margin); at != std::string::npos; at = text.find(margin, at + 1)) {
            ++found;
        }
        return found;
    };
    CHECK(lines_at("\n  fiber ") == 1);
    CHECK(lines_at("\n    fiber ") == 2);
    CHECK(lines_at("\n      fiber ") == 1);
    CHECK(s.fibers().size() == 0);
}

TEST_CASE("fibers that were started by hand are in the report [K9]") {
    test_scheduler s;
    deferred<> never;
    s.start(fork_options{.name = "by hand"}, [&]() -> task<> { co_await never; });
    auto const text = error_of<coir::deadlock_error>([&] { s.run([&]() -> task<> { co_await never; }); });
    CHECK_THAT(text, Contains("(by hand) waits for deferred"));
}

TEST_CASE("after a deadlock the scheduler can be used again [K9]") {
    test_scheduler s{3};
    deferred<> never;
    for (int i = 0; i < 3; ++i) {
        CHECK_THROWS_AS(s.run([&]() -> task<> { co_await never; }), coir::deadlock_error);
        CHECK(s.fibers().size() == 0);
        CHECK(s.run([]() -> task<int> { co_return 7; }).value() == 7);
    }
}

TEST_CASE("to sleep for ever is a deadlock too [K9]") {
    test_scheduler s;
    auto const text = error_of<coir::deadlock_error>(
        [&] { s.run([]() -> task<> { co_await sleep_for((std::chrono::hours::max)()); }); });
    CHECK_THAT(text, Contains("waits for sleep"));
}

TEST_CASE("a condition that can never come is a deadlock [K9]") {
    test_scheduler s;
    CHECK_THROWS_AS(s.run_until([] { return false; }), coir::deadlock_error);
}

TEST_CASE("advancing by hand past a deadlock is no error [K9]") {
    test_scheduler s;
    deferred<> later;
    auto waiting = s.start([&]() -> task<> { co_await later; });
    s.advance(1h);
    CHECK(waiting.poll() == nullptr);
    later.succeed();
    s.run_ready();
    CHECK(waiting.poll() != nullptr);
}

TEST_CASE("a loop of yields or of sleeps without an end is reported [K9]") {
    test_scheduler s;
    s.set_turn_limit(1000);
    auto const yields = [](auto pause) -> task<> {
        for (;;) {
            co_await pause();
        }
    };
    auto const text = error_of<coir::livelock_error>([&] { s.run(yields, [] { return coir::yield(); }); });
    CHECK_THAT(text, Contains("no end after 1000 turns") && Contains("is ready"));
    CHECK_THROWS_AS(s.run(yields, [] { return sleep_for(1s); }), coir::livelock_error);
    s.start(yields, [] { return coir::yield(); });
    CHECK_THROWS_AS(s.advance(1h), coir::livelock_error);
    CHECK(s.fibers().size() == 0);
}

TEST_CASE("a daemon forked while a deadlock is cleaned up ends too [K9]") {
    struct forks_at_the_end {
        ~forks_at_the_end() {
            coir::fork_daemon([]() -> task<> {
                deferred<> never;
                co_await never;
            });
        }
    };
    test_scheduler s;
    CHECK_THROWS_AS(s.run([]() -> task<> {
        forks_at_the_end const last;
        deferred<> never;
        co_await never;
    }),
                    coir::deadlock_error);
    CHECK(s.fibers().size() == 0);
}
