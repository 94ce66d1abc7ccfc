// from_callback as a source: emits from anywhere, a bound, every end, and the cleanup.
#include "stream_support.hpp"

#include "support/effort.hpp"

#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/testing/explore.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

using namespace stream_test;
using coir::push_status;

namespace {

using statuses = std::vector<push_status>;

// A library that keeps its listener until it is told not to.
template <class T = int, class E = coir::never>
struct library {
    std::optional<coir::emitter<T, E>> to;
    int listening = 0;
    int cleanups = 0;

    auto registration() {
        return [this](coir::emitter<T, E> given) {
            to.emplace(std::move(given));
            ++listening;
            return [this] {
                ++cleanups;
                --listening;
                to.reset();
            };
        };
    }
};

auto emitting(statuses& said, int n) {
    return [&said, n](coir::emitter<int> to) {
        for (int i = 1; i <= n; ++i) {
            said.push_back(to.emit(i));
        }
        to.end();
    };
}

} // namespace

TEST_CASE("emits of a registration never exceed the capacity [S17]") {
    struct strategy {
        coir::queue_capacity capacity;
        push_status too_much;
        numbers delivered;
    };
    auto const s = GENERATE(values<strategy>({
        {coir::bounded(2), push_status::full, {1, 2}},
        {coir::dropping(2), push_status::dropped, {1, 2}},
        {coir::sliding(2), push_status::accepted, {4, 5}},
        {coir::unbounded(), push_status::accepted, {1, 2, 3, 4, 5}},
        {coir::bounded(0), push_status::full, {}},
    }));
    bool const unlimited = s.delivered.size() == 5;
    statuses said;
    test_scheduler t;
    auto const end = t.run([&]() -> task<numbers> {
        auto reg = emitting(said, 5);
        co_return co_await (streams::from_callback<int>(s.capacity, reg) | streams::to_vector());
    });
    CHECK(end.value() == s.delivered);
    REQUIRE(said.size() == 5);
    for (std::size_t i = 0; i != 5; ++i) {
        bool const fits = unlimited || i < s.capacity.size();
        CHECK(said[i] == (fits ? push_status::accepted : s.too_much));
    }
}

TEST_CASE("a producer that is a fiber waits for room and is never more than the capacity ahead [S17]") {
    test_scheduler t;
    int emitted = 0;
    int seen = 0;
    int most = 0;
    t.run([&]() -> task<> {
        auto produce = [&](coir::emitter<int> to) -> task<> {
            for (int i = 0; i < 20; ++i) {
                auto const s = co_await to.emit_when_free(i);
                CHECK(s == push_status::accepted);
                most = std::max(most, ++emitted - seen);
            }
            to.end();
        };
        auto reg = [&](coir::emitter<int> to) { fork(produce, std::move(to)); };
        auto consume = [&](int i) -> task<> {
            CHECK(i == seen);
            co_await sleep_for(1ms);
            ++seen;
        };
        co_await (streams::from_callback<int>(coir::bounded(3), reg) | streams::for_each(consume));
    });
    CHECK(seen == 20);
    CHECK(most == 4); // three that wait, and the one in hand
}

TEST_CASE("however the consumer stops, the cleanup has run once before the result is seen [S18]") {
    enum class how {
        ends,
        takes_enough,
        fails_downstream,
        throws_downstream,
        is_interrupted,
        emits_failure,
        emits_defect
    };
    auto const way = GENERATE(how::ends, how::takes_enough, how::fails_downstream, how::throws_downstream,
                              how::is_interrupted, how::emits_failure, how::emits_defect);
    INFO("way " << static_cast<int>(way));
    library<int, err> lib;
    test_scheduler t;
    t.run([&]() -> task<> {
        auto run = [&]() -> task<void, err> {
            auto look = [&](int i) -> task<void, err> {
                if (i == 2 && way == how::fails_downstream) {
                    co_await coir::fail<err>(7);
                }
                if (i == 2 && way == how::throws_downstream) {
                    throw std::runtime_error{"consumer"};
                }
            };
            std::size_t const most = way == how::takes_enough ? 2 : 100;
            co_await (streams::from_callback<int, err>(coir::bounded(8), lib.registration()) | streams::take(most) |
                      streams::for_each(look));
        };
        auto const f = fork(run);
        co_await coir::yield();
        REQUIRE(lib.listening == 1);
        auto const to = *lib.to;
        CHECK(to.emit(1));
        CHECK(to.emit(2));
        co_await sleep_for(1ms);
        switch (way) {
        case how::ends: CHECK(to.end()); break;
        case how::is_interrupted: f.request_interrupt(); break;
        case how::emits_failure: CHECK(to.fail(3)); break;
        case how::emits_defect: CHECK(to.die(std::make_exception_ptr(std::runtime_error{"library"}))); break;
        default: break;
        }
        auto const& end = co_await f.await();
        CHECK(lib.cleanups == 1);
        CHECK(lib.listening == 0);
        CHECK(end.is_success() == (way == how::ends || way == how::takes_enough));
        CHECK(end.is_failure() == (way == how::fails_downstream || way == how::emits_failure));
        CHECK(end.is_defect() == (way == how::throws_downstream || way == how::emits_defect));
        CHECK(end.is_interrupted() == (way == how::is_interrupted));
        if (way == how::emits_failure) {
            CHECK(end.error() == err{3});
        }
        if (way == how::emits_defect) {
            CHECK(message_of(end.defect()) == "library");
        }
        CHECK(to.is_closed());
        CHECK(to.emit(4) == push_status::closed);
        auto const later = co_await to.emit_when_free(5);
        CHECK(later == push_status::closed);
    });
}

TEST_CASE("a cleanup that awaits runs masked, after emits are refused and who waits is let go [S18]") {
    test_scheduler t;
    entries log;
    t.run([&]() -> task<> {
        auto produce = [&](coir::emitter<int> to) -> task<> {
            for (int i = 0;; ++i) {
                auto const s = co_await to.emit_when_free(i);
                if (!s) {
                    log.push_back("refused");
                    co_return;
                }
            }
        };
        auto run = [&]() -> task<> {
            auto reg = [&](coir::emitter<int> to) {
                auto const producer = fork(produce, std::move(to));
                return [producer, &log]() -> task<> {
                    co_await producer; // it waits for room: it must have been let go
                    co_await sleep_for(1ms);
                    log.push_back("cleaned up");
                };
            };
            auto slow = [](int) { return sleep_for(1h); };
            co_await (streams::from_callback<int>(coir::bounded(1), reg) | streams::for_each(slow));
        };
        auto const f = fork(run);
        co_await sleep_for(5ms);
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
        log.push_back("seen");
    });
    CHECK(log == entries{"refused", "cleaned up", "seen"});
}

TEST_CASE("what a cleanup throws is the end of a stream that ended well, else it is suppressed [S18]") {
    bool const fails = GENERATE(false, true);
    test_scheduler t;
    t.run([&]() -> task<> {
        auto run = [&]() -> task<void, err> {
            auto reg = [&](coir::emitter<int, err> to) {
                fails ? to.fail(1) : to.end();
                return [] { throw std::runtime_error{"cleanup"}; };
            };
            co_await (streams::from_callback<int, err>(coir::bounded(1), reg) | streams::drain());
        };
        auto const end = co_await coir::as_outcome(run());
        CHECK(end.is_failure() == fails);
        REQUIRE(end.suppressed().size() == (fails ? 1 : 0));
        CHECK(message_of(fails ? end.suppressed()[0] : end.defect()) == "cleanup");
    });
}

TEST_CASE("after the end or a failure emits are ignored, and what came before is delivered first [S19]") {
    bool const fails = GENERATE(false, true);
    statuses said;
    std::vector<bool> won;
    numbers got;
    test_scheduler t;
    auto const end = t.run([&]() -> task<void, err> {
        auto reg = [&](coir::emitter<int, err> to) {
            said.push_back(to.emit(1));
            said.push_back(to.emit(2));
            won.push_back(fails ? to.fail(5) : to.end());
            said.push_back(to.emit(3));
            won.push_back(to.end());
            won.push_back(to.fail(6));
            won.push_back(to.die(std::make_exception_ptr(1)));
        };
        co_await (streams::from_callback<int, err>(coir::bounded(9), reg) |
                  streams::for_each([&got](int i) { got.push_back(i); }));
    });
    CHECK(got == numbers{1, 2});
    CHECK(said == statuses{push_status::accepted, push_status::accepted, push_status::closed});
    CHECK(won == std::vector<bool>{true, false, false, false});
    CHECK(end.is_failure() == fails);
    if (fails) {
        CHECK(end.error() == err{5});
    }
}

TEST_CASE("when the last emitter is gone without an end, the stream ends interrupted after what was emitted") {
    bool const ended = GENERATE(false, true);
    numbers got;
    test_scheduler t;
    auto const end = t.run([&]() -> task<> {
        auto forgets = [&](coir::emitter<int> to) -> task<> {
            to.emit(1);
            auto const copy = to;
            co_await sleep_for(1ms);
            copy.emit(2);
            if (ended) {
                copy.end();
            }
        };
        auto reg = [&](coir::emitter<int> to) { fork(forgets, std::move(to)); };
        co_await (streams::from_callback<int>(coir::bounded(4), reg) |
                  streams::for_each([&got](int i) { got.push_back(i); }));
    });
    CHECK(got == numbers{1, 2});
    CHECK(end.is_interrupted() == !ended);
}

TEST_CASE("a registration that throws is a defect, and there is nothing to clean up") {
    std::optional<coir::emitter<int>> kept;
    test_scheduler t;
    int cleanups = 0;
    auto const end = t.run([&]() -> task<> {
        auto reg = [&](coir::emitter<int> to) {
            kept.emplace(to);
            if (to.emit(1)) {
                throw std::runtime_error{"no such device"};
            }
            return [&cleanups] { ++cleanups; };
        };
        co_await (streams::from_callback<int>(coir::bounded(4), reg) | streams::drain());
    });
    CHECK(message_of(end.defect()) == "no such device");
    CHECK(cleanups == 0);
    CHECK(kept->emit(2) == push_status::closed);
}

TEST_CASE("a stream of callbacks that is never pulled registers nothing") {
    library<> lib;
    test_scheduler t;
    t.run([&]() -> task<> {
        co_await (streams::from_callback<int>(coir::bounded(1), lib.registration()) | streams::take(0) |
                  streams::drain());
        auto body = [](auto&) -> task<> { co_return; };
        co_await coir::with_stream(streams::from_callback<int>(coir::bounded(1), lib.registration()), body);
    });
    CHECK(lib.listening == 0);
    CHECK(lib.cleanups == 0);
    CHECK_FALSE(lib.to.has_value());
}

TEST_CASE("an emit that waits and is interrupted has emitted nothing") {
    test_scheduler t;
    auto const end = t.run([]() -> task<numbers> {
        std::optional<coir::emitter<int>> to;
        auto reg = [&](coir::emitter<int> given) {
            to.emplace(given);
            given.emit(1);
        };
        auto drive = [&]() -> task<> {
            auto const late = co_await coir::timeout(to->emit_when_free(2), 1ms);
            CHECK_FALSE(late.has_value());
            to->emit(9); // still full: refused
            co_await sleep_for(10ms);
            to->emit(3);
            to->end();
        };
        auto slow = [&](int i) -> task<int> {
            if (i == 1) {
                fork(drive);
                to->emit(8);
                co_await sleep_for(5ms);
            }
            co_return i;
        };
        co_return co_await (streams::from_callback<int>(coir::bounded(1), reg) | streams::transform(slow) |
                            streams::to_vector());
    });
    CHECK(end.value() == numbers{1, 8, 3});
}

TEST_CASE("producers that wait, give up and try again lose and repeat nothing, in whatever order they run [S17]") {
    auto const explored = coir::explore(coir_test::seeds(), [](test_scheduler& t) {
        t.run([&t]() -> task<> {
            int running = 3;
            auto produce = [&running](coir::emitter<int> to, int id) -> task<> {
                for (int i = 0; i < 10;) {
                    auto const s = co_await coir::timeout(to.emit_when_free(id * 10 + i), 1ms);
                    i += s.has_value() ? 1 : 0;
                    co_await coir::yield();
                }
                if (--running == 0) {
                    to.end();
                }
            };
            auto reg = [&](coir::emitter<int> to) {
                for (int id = 0; id < 3; ++id) {
                    fork(produce, to, id);
                }
            };
            auto slow = [](int n) -> task<int> {
                co_await sleep_for(n % 4 == 0 ? 1ms : 0ms);
                co_return n;
            };
            auto const capacity = coir::bounded(t.seed().value_or(0) % 3);
            auto const got =
                co_await (streams::from_callback<int>(capacity, reg) | streams::transform(slow) | streams::to_vector());
            REQUIRE(got.size() == 30);
            numbers next{0, 0, 0};
            for (int const n : got) {
                CHECK(n % 10 == next[static_cast<std::size_t>(n / 10)]++);
            }
        });
    });
    CHECK(explored.distinct > explored.runs / 2);
}

TEST_CASE("elements of a callback that can only be moved are moved, and refused ones are left alone [S17]") {
    test_scheduler t;
    auto refused = std::make_unique<int>(2);
    auto const end = t.run([&]() -> task<int> {
        auto reg = [&](coir::emitter<std::unique_ptr<int>> to) {
            to.emit(std::make_unique<int>(1));
            CHECK(to.emit(std::move(refused)) == push_status::full);
            to.end();
        };
        co_return co_await (streams::from_callback<std::unique_ptr<int>>(coir::bounded(1), reg) |
                            streams::fold(0, [](int sum, std::unique_ptr<int> p) { return sum + *p; }));
    });
    CHECK(end.value() == 1);
    REQUIRE(refused);
    CHECK(*refused == 2);
}

TEST_CASE("what is left in a stream of callbacks is destroyed with it, also when emitters remain [S18]") {
    std::optional<coir::emitter<std::shared_ptr<int>>> kept;
    auto const watched = std::make_shared<int>(1);
    test_scheduler t;
    t.run([&]() -> task<> {
        auto reg = [&](coir::emitter<std::shared_ptr<int>> to) {
            kept.emplace(to);
            for (int i = 0; i < 5; ++i) {
                to.emit(watched);
            }
        };
        co_await (streams::from_callback<std::shared_ptr<int>>(coir::unbounded(), reg) | streams::take(1) |
                  streams::drain());
        CHECK(watched.use_count() == 1);
    });
    CHECK(kept->emit(watched) == push_status::closed);
}

TEST_CASE("threads emit while the consumer comes and goes: each accepted element comes once, in order [S17][S18]") {
    coir::thread_pool pool{2};
    int const per_thread = 2'000;
    for (unsigned round = 0; round < 4 * coir_test::stress_scale(); ++round) {
        std::vector<std::thread> threads;
        std::atomic<int> accepted{0};
        int cleanups = 0;
        auto const most = static_cast<std::size_t>(round % 2 == 0 ? 2 * per_thread : 50);
        numbers got;
        std::atomic<int> running{2};
        auto work = [&]() -> task<> {
            auto reg = [&](coir::emitter<int> to) {
                for (int id = 0; id < 2; ++id) {
                    threads.emplace_back([&, to, id] {
                        for (int i = 0; i < per_thread;) {
                            auto const s = to.emit(id * per_thread + i);
                            if (s == push_status::closed) {
                                break;
                            }
                            i += s ? 1 : 0;
                            accepted += s ? 1 : 0;
                        }
                        if (--running == 0) {
                            to.end();
                        }
                    });
                }
                return [&cleanups] { ++cleanups; };
            };
            co_await (streams::from_callback<int>(coir::bounded(4), reg) | streams::take(most) |
                      streams::for_each([&](int i) { got.push_back(i); }));
        };
        auto const end = pool.run(work);
        for (auto& t : threads) {
            t.join();
        }
        REQUIRE(end.is_success());
        REQUIRE(cleanups == 1);
        REQUIRE(got.size() == (most == 50 ? 50U : static_cast<std::size_t>(accepted.load())));
        numbers last{-1, -1};
        for (int const i : got) {
            auto const id = static_cast<std::size_t>(i / per_thread);
            REQUIRE(i % per_thread == last[id] + 1);
            last[id] = i % per_thread;
        }
    }
}
