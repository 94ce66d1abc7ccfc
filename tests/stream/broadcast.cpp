// broadcast: one source, several readers, each of which gets all of it.
#include "stream_support.hpp"

#include "support/effort.hpp"

#include <coir/combine.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/testing/explore.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <optional>

using namespace stream_test;
using coir::scope;
using coir::shared_stream;

namespace {

// Runs `body(scope)` on a virtual clock.
template <class E = coir::never, class Body>
coir::outcome<void, E> scenario(Body body) {
    test_scheduler s;
    return s.run([&]() -> task<void, E> { co_await coir::with_scope<E>(body); });
}

template <class Source>
task<numbers, typename Source::error_type> collect(Source from) {
    co_return co_await (std::move(from) | streams::to_vector());
}

// What it has seen so far, with `pause` after each.
template <class Source>
task<> watch_slowly(Source from, numbers& seen, std::chrono::milliseconds pause) {
    auto note = [&](int n) -> task<> {
        seen.push_back(n);
        co_await sleep_for(pause);
    };
    co_await (std::move(from) | streams::for_each(note));
}

stream<int, err> failing(entries& log) {
    leaving const here{log, "closed"};
    co_yield 1;
    co_yield 2;
    co_await coir::fail<err>(3);
}

} // namespace

TEST_CASE("every reader gets every element, in order [S33]") {
    numbers got[3];
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = counting(50) | streams::broadcast(s, 4);
        coir::fiber<numbers> readers[3];
        for (auto& r : readers) {
            r = s.fork(collect<shared_stream<int>::source>, all.subscribe());
        }
        for (int i = 0; i < 3; ++i) {
            got[i] = co_await readers[i];
        }
    });
    CHECK(end.is_success());
    auto expected = one_to(50);
    for (int& n : expected) {
        --n;
    }
    for (auto const& g : got) {
        CHECK(g == expected);
    }
}

TEST_CASE("the fast reader is at most the lag ahead of the slow one, and gets that far [S33]") {
    int const lag = GENERATE(1, 2, 5);
    int pulled = 0;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = counting(100) | streams::tap([&](int) { ++pulled; }) | streams::broadcast(s, lag);
        numbers slow;
        numbers fast;
        s.fork(watch_slowly<shared_stream<int>::source>, all.subscribe(), std::ref(slow), 10ms);
        s.fork(watch_slowly<shared_stream<int>::source>, all.subscribe(), std::ref(fast), 0ms);
        co_await sleep_for(500us); // between the moments at which something happens
        for (int ms = 0; ms < 200; ++ms) {
            co_await sleep_for(1ms);
            CHECK(static_cast<int>(fast.size()) == std::min(100, static_cast<int>(slow.size()) + lag));
            CHECK(pulled == static_cast<int>(fast.size())); // nothing is pulled that nobody waits for
        }
        co_await s.interrupt();
    });
    CHECK(end.is_success());
}

TEST_CASE("a reader that leaves holds back nobody any more, however it leaves [S34]") {
    enum class how { stops, is_interrupted, is_destroyed_unused, fails };
    auto const way = GENERATE(how::stops, how::is_interrupted, how::is_destroyed_unused, how::fails);
    INFO("way " << static_cast<int>(way));
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = counting(20) | streams::broadcast(s, 2);
        numbers fast;
        std::optional<shared_stream<int>::source> leaver{all.subscribe()};
        s.fork(watch_slowly<shared_stream<int>::source>, all.subscribe(), std::ref(fast), 0ms);
        co_await sleep_for(1ms);
        CHECK(fast.size() == 2);
        if (way == how::is_destroyed_unused) {
            leaver.reset();
        } else {
            auto look = [&](int n) -> task<void, err> {
                if (way == how::fails && n == 1) {
                    co_await coir::fail<err>(1);
                }
                if (way == how::is_interrupted) {
                    co_await sleep_for(1h);
                }
            };
            auto run = [&]() -> task<void, err> {
                auto mine = std::move(*leaver);
                co_await (std::move(mine) | streams::take(2) | streams::for_each(look));
            };
            auto const f = fork(run);
            co_await sleep_for(1ms);
            f.request_interrupt();
            co_await f.await();
        }
        co_await sleep_for(1ms);
        CHECK(fast.size() == 20);
    });
    CHECK(end.is_success());
}

TEST_CASE("a reader that comes later gets what is pulled from then on, and after the end the end") {
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = ticking(10ms, 5) | streams::broadcast(s, 2);
        auto const first = s.fork(collect<shared_stream<int>::source>, all.subscribe());
        co_await sleep_for(25ms);
        auto const second = s.fork(collect<shared_stream<int>::source>, all.subscribe());
        auto const& from_begin = co_await first;
        auto const& from_three = co_await second;
        CHECK(from_begin == numbers{1, 2, 3, 4, 5});
        CHECK(from_three == numbers{3, 4, 5});
        auto const none = co_await collect(all.subscribe());
        CHECK(none.empty());
    });
    CHECK(end.is_success());
}

TEST_CASE("a failure of the source reaches every reader, after its elements and when it is closed") {
    entries log;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = failing(log) | streams::broadcast(s, 2);
        auto read = [&](shared_stream<int, err>::source from, char const* name) -> task<> {
            int n = 0;
            auto const r = co_await coir::as_result(std::move(from) | streams::for_each([&](int) { ++n; }));
            CHECK(n == 2);
            CHECK(r.error() == err{3});
            log.push_back(name);
        };
        s.fork(read, all.subscribe(), "a");
        s.fork(read, all.subscribe(), "b");
        co_await s.join();
        auto const late = co_await coir::as_result(collect(all.subscribe()));
        CHECK(late.error() == err{3});
    });
    CHECK(end.is_success()); // the scope has not failed
    CHECK(log == entries{"closed", "a", "b"});
}

TEST_CASE("a defect of the source reaches every reader, and so does its being interrupted") {
    bool const throws = GENERATE(false, true);
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto source = [throws](int n) -> task<int> {
            if (n == 2) {
                if (throws) {
                    throw std::runtime_error{"source"};
                }
                deferred<> d;
                d.interrupt();
                co_await d;
            }
            co_return n;
        };
        auto all = counting(5) | streams::transform(source) | streams::broadcast(s, 2);
        for (int i = 0; i < 2; ++i) {
            auto read = [&](shared_stream<int>::source from) -> task<> {
                auto const r = co_await coir::as_outcome(collect(std::move(from)));
                CHECK(r.is_defect() == throws);
                CHECK(r.is_interrupted() == !throws);
                if (throws) {
                    CHECK(message_of(r.defect()) == "source");
                }
            };
            s.fork(read, all.subscribe());
        }
        co_await s.join();
    });
    CHECK(end.is_success());
}

TEST_CASE("nothing is pulled before a reader asks, nor when nobody reads, and the end closes the source [S34]") {
    entries log;
    int pulled = 0;
    auto const end = scenario([&](scope<>& s) -> task<> {
        {
            auto close = finalizer(log);
            auto all = counting(100) | streams::tap([&](int) { ++pulled; }) | streams::ensuring(close) |
                       streams::broadcast(s, 2);
            co_await sleep_for(1ms);
            auto mine = all.subscribe();
            co_await sleep_for(1ms);
            CHECK(pulled == 0);
            co_await (std::move(mine) | streams::take(3) | streams::drain());
            CHECK(pulled == 3);
            CHECK(log.empty()); // somebody might still read it
            co_await sleep_for(1ms);
            auto const more = co_await (all.subscribe() | streams::take(2) | streams::to_vector());
            CHECK(more == numbers{3, 4});
        }
        log.push_back("no handle");
    });
    CHECK(end.is_success());
    CHECK(pulled == 5);
    CHECK(log == entries{"no handle", "finalizer begins", "finalizer ends"});
}

TEST_CASE("without a handle the last reader closes the source before its result is seen") {
    entries log;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto close = finalizer(log);
        auto mine = (counting(100) | streams::ensuring(close) | streams::broadcast(s, 2)).subscribe();
        auto const got = co_await (std::move(mine) | streams::take(2) | streams::to_vector());
        CHECK(got == numbers{0, 1});
        log.push_back("seen");
    });
    CHECK(end.is_success());
    CHECK(log == entries{"finalizer begins", "finalizer ends", "seen"});
}

TEST_CASE("when the scope is over, readers elsewhere end as interrupted, after the source was closed") {
    entries log;
    test_scheduler t;
    t.run([&]() -> task<> {
        std::optional<shared_stream<int>> kept;
        auto read = [&]() -> task<> {
            auto const r = co_await coir::as_outcome(collect(kept->subscribe()));
            CHECK(r.is_interrupted());
            log.push_back("reader");
        };
        coir::fiber<> reading;
        auto body = [&](scope<err>& s) -> task<void, err> {
            auto close = finalizer(log);
            kept.emplace(ticking(10ms, 1'000) | streams::ensuring(close) | streams::broadcast(s, 2));
            reading = coir::fork_daemon(read);
            co_await sleep_for(35ms);
            co_await coir::fail<err>(1);
        };
        auto const r = co_await coir::as_result(coir::with_scope<err>(body));
        CHECK(r.error() == err{1});
        co_await reading;
        auto const late = co_await coir::as_outcome(collect(kept->subscribe()));
        CHECK(late.is_interrupted());
    });
    CHECK(log == entries{"finalizer begins", "finalizer ends", "reader"});
}

TEST_CASE("without a scope the source belongs to the fiber that shares it") {
    entries log;
    test_scheduler t;
    t.run([&]() -> task<> {
        std::optional<shared_stream<int>> kept;
        auto owner = [&]() -> task<numbers> {
            auto close = finalizer(log);
            auto all = counting(10) | streams::ensuring(close) | streams::broadcast(2);
            kept.emplace(all);
            auto a = all.subscribe() | streams::take(3) | streams::to_vector();
            auto b = all.subscribe() | streams::take(3) | streams::to_vector();
            auto const both = co_await coir::when_all(std::move(a), std::move(b));
            CHECK(std::get<0>(both) == std::get<1>(both));
            co_return std::get<0>(both);
        };
        auto const f = fork(owner);
        auto const& got = co_await f;
        CHECK(got == numbers{0, 1, 2});
        log.push_back("owner ended");
        auto const late = co_await coir::as_outcome(collect(kept->subscribe()));
        CHECK(late.is_interrupted());
    });
    CHECK(log == entries{"finalizer begins", "finalizer ends", "owner ended"});
    CHECK_THROWS_AS(counting(1) | streams::broadcast(2), coir::not_in_a_fiber);
    CHECK_THROWS_AS(streams::broadcast(0), std::invalid_argument);
}

TEST_CASE("with a sliding lag the slow reader loses the oldest, and nobody waits for it [S33]") {
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = counting(20) | streams::broadcast(s, coir::sliding(3));
        auto slow = all.subscribe();
        auto const fast = co_await collect(all.subscribe());
        CHECK(fast.size() == 20);
        auto const rest = co_await collect(std::move(slow));
        CHECK(rest == numbers{17, 18, 19});
    });
    CHECK(end.is_success());
}

TEST_CASE("a failure that no reader was left to see is reported as unhandled") {
    struct listening : test_scheduler {
        using test_scheduler::test_scheduler;
        int unhandled = 0;
        void on_unhandled(coir::unhandled_outcome const&) noexcept override { ++unhandled; }
    };
    listening t;
    t.run([&]() -> task<> {
        auto late_failure = []() -> stream<int, err> {
            co_await coir::uninterruptible(sleep_for(10ms));
            co_await coir::fail<err>(1);
            co_yield 1;
        };
        auto body = [&](scope<>& s) -> task<> {
            auto all = late_failure() | streams::broadcast(s, 1);
            static_cast<void>(co_await coir::timeout(coir::as_result(collect(all.subscribe())), 1ms));
            co_await sleep_for(20ms);
        };
        co_await coir::with_scope(body);
    });
    CHECK(t.unhandled == 1);
}

TEST_CASE("readers that come, go and are slow in any order see no element twice, missing or out of order [S33][S34]") {
    auto const explored = coir::explore(coir_test::seeds(), [](test_scheduler& t) {
        t.run([&t]() -> task<> {
            auto body = [&t](scope<>& s) -> task<> {
                auto all = counting(30) | streams::broadcast(s, 1 + static_cast<int>(t.seed().value_or(0) % 3));
                auto read = [&](int id) -> task<> {
                    for (int i = 0; i < id; ++i) {
                        co_await coir::yield();
                    }
                    auto const most = static_cast<std::size_t>(id == 2 ? 7 : 100);
                    auto const got = co_await (all.subscribe() | streams::take(most) | streams::tap([id](int n) {
                                                   return n % (id + 1) == 0 ? coir::yield() : coir::checkpoint();
                                               }) |
                                               streams::to_vector());
                    for (std::size_t i = 1; i < got.size(); ++i) {
                        CHECK(got[i] == got[i - 1] + 1);
                    }
                    if (id != 2 && !got.empty()) {
                        CHECK(got.back() == 29);
                    }
                };
                for (int id = 0; id < 4; ++id) {
                    s.fork(read, id);
                }
                co_await s.join();
            };
            co_await coir::with_scope(body);
        });
    });
    CHECK(explored.distinct > explored.runs / 2);
}

TEST_CASE("readers on the threads of a pool get everything, and leave at any time [S33][S34]") {
    coir::thread_pool pool{3};
    std::atomic<int> wrong{0}; // assertions are for one thread
    for (unsigned round = 0; round < 20 * coir_test::stress_scale(); ++round) {
        auto const end = pool.run([&wrong, round]() -> task<> {
            auto body = [&wrong, round](scope<>& s) -> task<> {
                auto all = streams::from(one_to(300)) | streams::broadcast(s, 1 + static_cast<int>(round % 4));
                auto read = [&wrong](shared_stream<int>::source from, std::size_t most) -> task<> {
                    auto const got = co_await (std::move(from) | streams::take(most) | streams::to_vector());
                    wrong += got != one_to(static_cast<int>(most));
                };
                auto impatient = [](shared_stream<int>::source from) -> task<> {
                    static_cast<void>(co_await coir::timeout(std::move(from) | streams::drain(), 50us));
                };
                std::vector<shared_stream<int>::source> readers; // all, before one of them pulls
                for (int i = 0; i < 6; ++i) {
                    readers.push_back(all.subscribe());
                }
                for (std::size_t i = 0; i < 3; ++i) {
                    s.fork(read, std::move(readers[2 * i]), i == 1 ? 20U : 300U);
                    s.fork(impatient, std::move(readers[2 * i + 1]));
                }
                co_return;
            };
            co_await coir::with_scope(body);
        });
        REQUIRE(end.is_success());
        REQUIRE(wrong == 0);
    }
}
