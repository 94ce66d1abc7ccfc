// Pulling by hand: the stream is closed on every path out of the body.
#include "stream_support.hpp"

#include <catch2/catch.hpp>

using namespace stream_test;

namespace {

stream<int, err> source(entries& log, int fail_at = -1) {
    leaving const here{log, "left"};
    for (int i = 0;; ++i) {
        if (i == fail_at) {
            co_await coir::fail<err>(i);
        }
        co_await sleep_for(1ms);
        co_yield i;
    }
}

} // namespace

TEST_CASE("a body that breaks out closes the stream before the result is seen [S15]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto body = [&log](auto& in) -> task<int, err> {
            int sum = 0;
            while (auto x = co_await next(in)) {
                sum += *x;
                if (*x == 3) {
                    break;
                }
            }
            log.push_back("body");
            co_return sum;
        };
        auto close = finalizer(log);
        auto const sum = co_await coir::as_result(coir::with_stream(source(log) | streams::ensuring(close), body));
        log.push_back("seen");
        CHECK(sum.value() == 6);
    });
    CHECK(log == entries{"body", "left", "finalizer begins", "finalizer ends", "seen"});
}

TEST_CASE("every end of the body closes the stream, once, and stays the end [S15]") {
    enum class how { fails, throws, interrupted, interrupts_the_fiber, returns };
    auto const way = GENERATE(how::fails, how::throws, how::interrupted, how::interrupts_the_fiber, how::returns);
    INFO("way " << static_cast<int>(way));
    test_scheduler s;
    entries log;
    auto body = [&](auto& in) -> task<void, err> {
        static_cast<void>(co_await next(in));
        switch (way) {
        case how::fails: co_await coir::fail<err>(9); break;
        case how::throws: throw std::runtime_error{"body"};
        case how::interrupted: {
            deferred<> d;
            d.interrupt();
            co_await d;
            break;
        }
        case how::interrupts_the_fiber: co_await sleep_for(24h); break;
        case how::returns: break;
        }
    };
    s.run([&]() -> task<> {
        auto run = [&]() -> task<void, err> {
            auto close = finalizer(log);
            co_await coir::with_stream(source(log) | streams::ensuring(close), body);
        };
        auto const f = fork(run);
        co_await sleep_for(50ms);
        f.request_interrupt();
        auto const& end = co_await f.await();
        CHECK(end.is_failure() == (way == how::fails));
        CHECK(end.is_defect() == (way == how::throws));
        CHECK(end.is_interrupted() == (way == how::interrupted || way == how::interrupts_the_fiber));
        CHECK(end.is_success() == (way == how::returns));
    });
    CHECK(log == entries{"left", "finalizer begins", "finalizer ends"});
}

TEST_CASE("a body that never pulls closes nothing") {
    test_scheduler s;
    entries log;
    auto const end = s.run([&]() -> task<int> {
        auto body = [](auto&) -> task<int> { co_return 5; };
        auto close = finalizer(log);
        co_return co_await coir::with_stream(counting(3) | streams::ensuring(close), body);
    });
    CHECK(end.value() == 5);
    CHECK(log.empty());
}

TEST_CASE("a pull in flight is interrupted with its fiber, before the stream is closed [S16]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto slow = [](entries& l) -> stream<int> {
            leaving const here{l, "left"};
            co_await sleep_for(24h);
            co_yield 1;
        };
        auto body = [&log](auto& in) -> task<> {
            leaving const here{log, "body"};
            static_cast<void>(co_await next(in));
        };
        auto run = [&]() -> task<> { co_await coir::with_stream(slow(log), body); };
        auto const f = fork(run);
        co_await sleep_for(5ms);
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
    });
    CHECK(log == entries{"left", "body"});
}

TEST_CASE("after the end, next gives nothing again and again [S1]") {
    test_scheduler s;
    s.run([]() -> task<> {
        auto body = [](auto& in) -> task<int> {
            int n = 0;
            while (co_await next(in)) {
                ++n;
            }
            for (int again = 0; again < 3; ++again) {
                auto const x = co_await next(in);
                CHECK_FALSE(x.has_value());
            }
            co_return n;
        };
        auto const fused = co_await coir::with_stream(streams::from(one_to(3)), body);
        auto const generated = co_await coir::with_stream(counting(3), body);
        auto waiting = [](int x) -> task<int> {
            co_await coir::yield();
            co_return x;
        };
        auto const awaited = co_await coir::with_stream(counting(3) | streams::transform(waiting), body);
        CHECK(fused == 3);
        CHECK(generated == 3);
        CHECK(awaited == 3);
    });
}

TEST_CASE("the end is nothing, also when the last elements were filtered out [S1]") {
    test_scheduler s;
    s.run([]() -> task<> {
        auto body = [](auto& in) -> task<int> {
            int n = 0;
            while (co_await next(in)) {
                ++n;
            }
            co_return n;
        };
        auto const n =
            co_await coir::with_stream(streams::from(one_to(5)) | streams::filter([](int x) { return x < 3; }), body);
        CHECK(n == 2);
    });
}

TEST_CASE("a failed pull is the last one, and the body may go on without the stream [S7]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto body = [&log](auto& in) -> task<int> {
            int n = 0;
            for (;;) {
                auto r = co_await coir::as_result(next(in));
                if (!r.has_value()) {
                    CHECK(r.error() == err{2});
                    break;
                }
                ++n;
            }
            auto again = co_await coir::as_result(next(in));
            CHECK(again.has_value());
            CHECK_FALSE(again.value().has_value());
            log.push_back("body");
            co_return n;
        };
        auto const n = co_await coir::with_stream(source(log, 2), body);
        CHECK(n == 2);
    });
    CHECK(log == entries{"left", "body"});
}

TEST_CASE("a stream that failed is closed before the body sees how, and its finalizers are told first [S7][S12]") {
    test_scheduler s;
    entries log;
    auto const run = [&](auto make) {
        s.run([&]() -> task<> {
            auto note = [&log](coir::outcome<void, err> const& end) -> task<> {
                co_await coir::yield();
                log.push_back("told " + std::to_string(end.error().code));
            };
            auto body = [&log](auto& in) -> task<> {
                auto const r = co_await coir::as_result(next(in));
                log.push_back("seen " + std::to_string(r.error().code));
            };
            co_await coir::with_stream(make() | streams::on_exit(note), body);
        });
        CHECK(log == entries{"told 4", "seen 4"});
        log.clear();
    };
    auto const failing = []() -> stream<int, err> {
        co_await coir::yield();
        co_await coir::fail<err>(4);
    };
    run(failing);
    run([&] { return streams::merge(failing(), ticking(1h, 1)); });
    auto const notes = [&](coir::outcome<void, err> const& end) -> task<> {
        CHECK(end.is_failure());
        co_return;
    };
    run([&] { return failing() | streams::on_exit(notes) | streams::merge(counting(0)); });
}

TEST_CASE("a stream that was interrupted is closed before the body ends with it [S12]") {
    test_scheduler s;
    entries log;
    auto const gone = []() -> stream<int> {
        deferred<> d;
        d.interrupt();
        co_await d;
        co_yield 0;
    };
    auto const end = s.run([&]() -> task<> {
        auto body = [&log](auto& in) -> task<> {
            leaving const here{log, "body"};
            static_cast<void>(co_await next(in));
        };
        auto close = finalizer(log);
        co_await coir::with_stream(gone() | streams::ensuring(close), body);
    });
    CHECK(end.is_interrupted());
    CHECK(log == entries{"finalizer begins", "finalizer ends", "body"});
}

TEST_CASE("what a pull throws can be caught in the body [S10]") {
    test_scheduler s;
    entries log;
    auto throws = [](int x) -> int { return x < 2 ? x : throw std::runtime_error{"boom"}; };
    s.run([&]() -> task<> {
        auto body = [&log](auto& in) -> task<int> {
            int n = 0;
            try {
                while (co_await next(in)) {
                    ++n;
                }
            } catch (std::runtime_error const& e) {
                log.push_back(e.what());
            }
            co_return n;
        };
        auto close = finalizer(log);
        auto const n =
            co_await coir::with_stream(counting(9) | streams::transform(throws) | streams::ensuring(close), body);
        CHECK(n == 2);
    });
    CHECK(log == entries{"boom", "finalizer begins", "finalizer ends"});
}

TEST_CASE("a pull that is given up is over, with what it waited in, and no later one hangs") {
    test_scheduler s;
    entries log;
    auto check = [&](auto make) {
        s.run([&]() -> task<> {
            auto body = [](auto& in) -> task<> {
                auto const x = co_await coir::timeout(next(in), 5ms);
                CHECK_FALSE(x.has_value());
                auto const after = co_await coir::timeout(next(in), 5ms);
                REQUIRE(after.has_value());
                CHECK_FALSE(after->has_value());
            };
            auto close = finalizer(log);
            co_await coir::with_stream(make() | streams::ensuring(close), body);
        });
        CHECK(log == entries{"finalizer begins", "finalizer ends"});
    };
    SECTION("a generator") {
        check([] { return ticking(1h, 3); });
    }
    SECTION("a function that is awaited") {
        auto slow = [](int x) -> task<int> {
            co_await sleep_for(1h);
            co_return x;
        };
        check([slow] { return counting(3) | streams::transform(slow); });
    }
    SECTION("a queue") {
        coir::queue<int> q{coir::unbounded()};
        check([&q] { return streams::from_queue(q); });
    }
}

TEST_CASE("a finalizer that throws at the end of with_stream is a defect only of a success [I12]") {
    test_scheduler s;
    auto close = throwing_finalizer("finalizer");
    auto good = [](auto& in) -> task<int, err> {
        static_cast<void>(co_await next(in));
        co_return 1;
    };
    auto bad = [](auto& in) -> task<int, err> {
        static_cast<void>(co_await next(in));
        co_return coir::fail<err>(3);
    };
    auto const a = s.run([&]() -> task<int, err> {
        co_return co_await coir::with_stream(counting(3) | streams::ensuring(close), good);
    });
    REQUIRE(a.is_defect());
    CHECK(message_of(a.defect()) == "finalizer");
    auto const b = s.run(
        [&]() -> task<int, err> { co_return co_await coir::with_stream(counting(3) | streams::ensuring(close), bad); });
    CHECK(b.error() == err{3});
    CHECK(b.suppressed().size() == 1);
}

TEST_CASE("the body may pull in a child, one fiber at a time") {
    test_scheduler s;
    entries log;
    auto const end = s.run([&]() -> task<int, err> {
        auto body = [](auto& in) -> task<int, err> {
            auto one = [&in]() -> task<int, err> { co_return *(co_await next(in)); };
            int const a = co_await fork(one);
            int const b = co_await one();
            int const c = co_await fork(one);
            co_return a * 100 + b * 10 + c;
        };
        co_return co_await coir::with_stream(source(log), body);
    });
    CHECK(end.value() == 12);
    CHECK(log == entries{"left"});
}
