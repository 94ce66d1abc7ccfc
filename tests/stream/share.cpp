// share: upstream runs while somebody reads it. partition: two readers with a side each.
#include "stream_support.hpp"

#include "support/effort.hpp"

#include <coir/combine.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/testing/explore.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <optional>

using namespace stream_test;
using coir::scope;
using coir::shared_stream;

namespace {

template <class E = coir::never, class Body>
coir::outcome<void, E> scenario(Body body) {
    test_scheduler s;
    return s.run([&]() -> task<void, E> { co_await coir::with_scope<E>(body); });
}

template <class Source>
task<numbers, typename Source::error_type> collect(Source from, std::size_t most = 1'000) {
    co_return co_await (std::move(from) | streams::take(most) | streams::to_vector());
}

// 0, 1, 2... one every `period`; writes when it begins and when it is closed.
auto connecting(entries& log, std::chrono::milliseconds period, int n = 1'000) {
    return [&log, period, n, runs = 0]() mutable {
        auto connect = [](entries& l, std::chrono::milliseconds p, int count, std::string name) -> stream<int> {
            l.push_back(name + " opens");
            leaving const here{l, name + " closes"};
            for (int i = 0; i < count; ++i) {
                co_await sleep_for(p);
                co_yield i;
            }
        };
        return connect(log, period, n, std::to_string(++runs));
    };
}

bool is_even(int n) { return n % 2 == 0; }

} // namespace

TEST_CASE("the last reader to leave stops upstream before its result is seen, and a new one restarts it [S35]") {
    entries log;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = streams::share(s, connecting(log, 1s));
        co_await sleep_for(5s);
        CHECK(log.empty()); // nobody reads
        auto const first = co_await collect(all.subscribe(), 1);
        log.push_back("first");
        auto const second = co_await collect(all.subscribe(), 1);
        log.push_back("second");
        CHECK(first == numbers{0});
        CHECK(second == numbers{0});
    });
    CHECK(end.is_success());
    CHECK(log == entries{"1 opens", "1 closes", "first", "2 opens", "2 closes", "second"});
}

TEST_CASE("with an idle time to live upstream goes on for who comes in time, and is closed afterwards [S35]") {
    entries log;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = streams::share(s, connecting(log, 1s), {coir::bounded(1), 10s});
        auto const first = co_await collect(all.subscribe(), 1);
        log.push_back("first");
        co_await sleep_for(9s);
        auto const start = coir::now();
        auto const second = co_await collect(all.subscribe(), 1);
        CHECK(coir::now() - start == 1s); // not pulled while nobody read
        CHECK(first == numbers{0});
        CHECK(second == numbers{1});
        log.push_back("second");
        co_await sleep_for(9s + 999ms);
        CHECK(log.back() == "second");
        co_await sleep_for(2ms);
        CHECK(log.back() == "1 closes");
        auto const third = co_await collect(all.subscribe(), 1);
        CHECK(third == numbers{0});
    });
    CHECK(end.is_success());
    CHECK(log == entries{"1 opens", "first", "second", "1 closes", "2 opens", "2 closes"});
}

TEST_CASE("a pull in flight when the last reader leaves is interrupted, or when its idle time is over [S35]") {
    bool const lives_on = GENERATE(false, true);
    entries log;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = streams::share(s, connecting(log, 1h), {coir::bounded(1), lives_on ? 5s : 0s});
        static_cast<void>(co_await coir::timeout(collect(all.subscribe()), 1s));
        CHECK(log.size() == (lives_on ? 1 : 2));
        co_await sleep_for(5s + 1ms);
        CHECK(log == entries{"1 opens", "1 closes"});
    });
    CHECK(end.is_success());
}

TEST_CASE("who comes in the moment in which the idle time ends is served, by the old run or by a new one [S35]") {
    int went_on = 0;
    int began_anew = 0;
    coir::explore(coir_test::seeds(), [&](test_scheduler& t) {
        t.run([&]() -> task<> {
            auto body = [&](scope<>& s) -> task<> {
                auto make = [] { return ticking(1ms, 100); };
                auto all = streams::share(s, make, {coir::bounded(1), 10ms});
                auto const first = co_await collect(all.subscribe(), 1);
                CHECK(first == numbers{1});
                auto read = [&]() -> task<> {
                    co_await sleep_for(10ms);
                    auto const second = co_await collect(all.subscribe(), 1);
                    REQUIRE(second.size() == 1);
                    ++(second[0] == 2 ? went_on : began_anew);
                };
                s.fork(read);
                co_await s.join();
            };
            co_await coir::with_scope(body);
        });
    });
    CHECK(went_on > 0);
    CHECK(began_anew > 0);
}

TEST_CASE("those who read at once share one run, from where they came [S35]") {
    entries log;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto all = streams::share(s, connecting(log, 10ms, 6), {coir::bounded(2)});
        using source = shared_stream<int>::source;
        auto const a = s.fork(collect<source>, all.subscribe(), 2U);
        auto const b = s.fork(collect<source>, all.subscribe(), 100U);
        co_await sleep_for(25ms);
        auto const c = s.fork(collect<source>, all.subscribe(), 100U);
        auto const& first = co_await a;
        auto const& whole = co_await b;
        auto const& tail = co_await c;
        CHECK(first == numbers{0, 1});
        CHECK(whole == numbers{0, 1, 2, 3, 4, 5});
        CHECK(tail == numbers{2, 3, 4, 5});
    });
    CHECK(end.is_success());
    CHECK(log == entries{"1 opens", "1 closes"});
}

TEST_CASE("after the end or the failure of a run, which all its readers get, the next one begins anew [S35]") {
    int runs = 0;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto attempt = [&runs]() {
            auto once = [](int run) -> stream<int, err> {
                co_yield run;
                co_await sleep_for(1ms);
                if (run < 3) {
                    co_await coir::fail<err>(run);
                }
            };
            return once(++runs);
        };
        auto all = streams::share(s, attempt);
        for (int run = 1; run <= 4; ++run) {
            auto read = [&](shared_stream<int, err>::source from) -> task<> {
                auto const r = co_await coir::as_result(collect(std::move(from)));
                CHECK(r.has_value() == (run >= 3));
                if (run < 3) {
                    CHECK(r.error() == err{run});
                } else {
                    CHECK(r.value() == numbers{run});
                }
            };
            s.fork(read, all.subscribe());
            s.fork(read, all.subscribe());
            co_await s.join();
        }
    });
    CHECK(end.is_success());
    CHECK(runs == 4);
}

TEST_CASE("a run begins only when the one before has been closed, and who waits for it can leave [S35]") {
    entries log;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto slow_to_close = [&log, runs = 0]() mutable {
            auto name = std::to_string(++runs);
            auto close = [&log, name]() -> task<> {
                co_await sleep_for(10ms);
                log.push_back(name + " closed");
            };
            auto open = [&log, name](int) { log.push_back(name + " gives"); };
            return ticking(1ms, 100) | streams::tap(open) | streams::ensuring(close);
        };
        auto all = streams::share(s, slow_to_close);
        using source = shared_stream<int>::source;
        auto const first = s.fork(collect<source>, all.subscribe(), 1U);
        co_await sleep_for(5ms); // the first run is being closed
        auto const leaves = co_await coir::timeout(collect(all.subscribe(), 1U), 2ms);
        CHECK_FALSE(leaves.has_value());
        auto const third = co_await collect(all.subscribe(), 1U);
        CHECK(third == numbers{1});
        co_await first;
    });
    CHECK(end.is_success());
    CHECK(log == entries{"1 gives", "1 closed", "2 gives", "2 closed"});
}

TEST_CASE("a factory that throws is a defect for who reads, and the next may have more luck") {
    int runs = 0;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto attempt = [&runs] {
            if (++runs == 1) {
                throw std::runtime_error{"no connection"};
            }
            return counting(3);
        };
        auto all = streams::share(s, attempt);
        auto const first = co_await coir::as_outcome(collect(all.subscribe()));
        CHECK(message_of(first.defect()) == "no connection");
        auto const second = co_await collect(all.subscribe());
        CHECK(second == numbers{0, 1, 2});
    });
    CHECK(end.is_success());
}

TEST_CASE("a share without a scope belongs to its fiber, and readers in others end with it") {
    entries log;
    test_scheduler t;
    t.run([&]() -> task<> {
        std::optional<shared_stream<int>> kept;
        auto owner = [&]() -> task<> {
            kept.emplace(streams::share(connecting(log, 10ms)));
            co_await sleep_for(35ms);
        };
        auto const f = fork(owner);
        co_await coir::yield();
        auto const r = co_await coir::as_outcome(collect(kept->subscribe()));
        CHECK(r.is_interrupted());
        co_await f;
    });
    CHECK(log == entries{"1 opens", "1 closes"});
}

TEST_CASE("readers that join and leave a share in any order get runs without gaps, one at a time [S35]") {
    auto const explored = coir::explore(coir_test::seeds(), [](test_scheduler& t) {
        t.run([&t]() -> task<> {
            int open = 0;
            int closed = 0;
            auto body = [&](scope<>& s) -> task<> {
                auto make = [&] {
                    auto connect = [](int& o, int& c) -> stream<int> {
                        CHECK(o == c); // the one before is closed
                        ++o;
                        auto const close = [](int* n) { ++*n; };
                        std::unique_ptr<int, decltype(close)> const here{&c, close};
                        for (int i = 0; i < 100; ++i) {
                            co_yield i;
                            co_await coir::yield();
                        }
                    };
                    return connect(open, closed);
                };
                bool const lives_on = t.seed().value_or(0) % 2 == 0;
                auto all = streams::share(s, make, {coir::bounded(2), lives_on ? 1ms : 0ms});
                auto read = [&](int id) -> task<> {
                    for (int round = 0; round < 3; ++round) {
                        co_await sleep_for(std::chrono::microseconds{(id * 7 + round) % 5 * 500});
                        auto const got = co_await collect(all.subscribe(), static_cast<std::size_t>(5 + id));
                        CHECK(!got.empty());
                        for (std::size_t i = 1; i < got.size(); ++i) {
                            CHECK(got[i] == got[i - 1] + 1);
                        }
                        if (!lives_on) {
                            CHECK(open - closed <= 1);
                        }
                    }
                };
                for (int id = 0; id < 4; ++id) {
                    s.fork(read, id);
                }
                co_await s.join();
            };
            co_await coir::with_scope(body);
            CHECK(open == closed);
        });
    });
    CHECK(explored.distinct > explored.runs / 2);
}

TEST_CASE("a share on the threads of a pool: every run is closed before the next begins [S35]") {
    coir::thread_pool pool{3};
    std::atomic<int> open{0};
    std::atomic<int> runs{0};
    std::atomic<int> together{0};
    for (unsigned round = 0; round < 10 * coir_test::stress_scale(); ++round) {
        auto const end = pool.run([&, round]() -> task<> {
            auto body = [&, round](scope<>& s) -> task<> {
                auto make = [&] {
                    auto connect = [](std::atomic<int>& o, std::atomic<int>& overlap) -> stream<int> {
                        overlap += ++o != 1;
                        auto const close = [](std::atomic<int>* n) { --*n; };
                        std::unique_ptr<std::atomic<int>, decltype(close)> const here{&o, close};
                        for (int i = 0;; ++i) {
                            co_yield i;
                        }
                    };
                    ++runs;
                    return connect(open, together);
                };
                auto all = streams::share(s, make, {coir::bounded(2), round % 2 == 0 ? 0us : 100us});
                auto read = [&all](int id) -> task<bool> {
                    bool good = true;
                    for (int i = 0; i < 10; ++i) {
                        auto const got = co_await collect(all.subscribe(), static_cast<std::size_t>(3 + id));
                        good = good && got.size() == static_cast<std::size_t>(3 + id);
                        for (std::size_t k = 1; k < got.size(); ++k) {
                            good = good && got[k] == got[k - 1] + 1;
                        }
                    }
                    co_return good;
                };
                coir::fiber<bool> readers[4];
                for (int id = 0; id < 4; ++id) {
                    readers[id] = s.fork(read, id);
                }
                for (auto& r : readers) {
                    bool const good = co_await r;
                    CHECK(good);
                }
            };
            co_await coir::with_scope(body);
            CHECK(open == 0);
        });
        REQUIRE(end.is_success());
    }
    CHECK(runs > 0);
    CHECK(together == 0);
}

TEST_CASE("a partition gives each element to one side, in order") {
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto [even, odd] = counting(11) | streams::partition(s, is_even, 3);
        auto const both = co_await coir::when_all(collect(std::move(even)), collect(std::move(odd)));
        CHECK(std::get<0>(both) == numbers{0, 2, 4, 6, 8, 10});
        CHECK(std::get<1>(both) == numbers{1, 3, 5, 7, 9});
    });
    CHECK(end.is_success());
    CHECK_THROWS_AS(streams::partition(is_even, 0), std::invalid_argument);
}

TEST_CASE("a side is at most n elements behind, and the other waits then, and one that leaves holds back nobody") {
    auto const end = scenario([&](scope<>& s) -> task<> {
        int pulled = 0;
        auto sides = counting(100) | streams::tap([&](int) { ++pulled; }) | streams::partition(s, is_even, 3);
        std::optional odd{std::move(sides.rest)};
        numbers got;
        auto read = [&got](decltype(sides.matching) from) -> task<> {
            co_await (std::move(from) | streams::for_each([&got](int n) { got.push_back(n); }));
        };
        auto const reading = s.fork(read, std::move(sides.matching));
        co_await sleep_for(1ms);
        CHECK(got == numbers{0, 2, 4});
        CHECK(pulled == 6); // three odd ones are held
        co_await (std::move(*odd) | streams::take(1) | streams::drain());
        odd.reset();
        co_await reading;
        CHECK(got.size() == 50);
    });
    CHECK(end.is_success());
}

TEST_CASE("sides of a partition that are slow, or leave, in whatever order they run, get what is theirs") {
    auto const explored = coir::explore(coir_test::seeds(), [](test_scheduler& t) {
        t.run([&t]() -> task<> {
            auto body = [&t](scope<>& s) -> task<> {
                auto const seed = t.seed().value_or(0);
                auto sides = counting(40) | streams::partition(s, is_even, 1 + seed % 3);
                auto read = [seed](auto from, int first, std::size_t most) -> task<> {
                    auto slowly = [seed](int n) -> task<int> {
                        co_await sleep_for((static_cast<unsigned>(n) + seed) % 3 == 0 ? 1ms : 0ms);
                        co_return n;
                    };
                    auto const got = co_await (std::move(from) | streams::take(most) | streams::transform(slowly) |
                                               streams::to_vector());
                    CHECK(got.size() == std::min<std::size_t>(most, 20));
                    for (std::size_t i = 0; i != got.size(); ++i) {
                        CHECK(got[i] == first + 2 * static_cast<int>(i));
                    }
                };
                s.fork(read, std::move(sides.matching), 0, seed % 2 == 0 ? 100U : 5U);
                s.fork(read, std::move(sides.rest), 1, seed % 5 == 0 ? 0U : 100U);
                co_await s.join();
            };
            co_await coir::with_scope(body);
        });
    });
    CHECK(explored.distinct > explored.runs / 2);
}

TEST_CASE("both sides get the failure of the source, and what the predicate throws") {
    bool const throws = GENERATE(false, true);
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto source = []() -> stream<int, err> {
            co_yield 1;
            co_yield 2;
            co_await coir::fail<err>(4);
        };
        auto decide = [throws](int n) -> bool {
            if (throws && n == 2) {
                throw std::runtime_error{"predicate"};
            }
            return is_even(n);
        };
        auto [even, odd] = source() | streams::partition(s, decide);
        auto a = coir::as_outcome(collect(std::move(even)));
        auto b = coir::as_outcome(collect(std::move(odd)));
        auto const both = co_await coir::when_all(std::move(a), std::move(b));
        for (auto const* end_of : {&std::get<0>(both), &std::get<1>(both)}) {
            CHECK(end_of->is_failure() == !throws);
            CHECK(end_of->is_defect() == throws);
        }
    });
    CHECK(end.is_success());
}

TEST_CASE("a partition moves elements that cannot be copied, and the last side closes the source") {
    entries log;
    auto const end = scenario([&](scope<>& s) -> task<> {
        auto boxed = [](int n) { return std::make_unique<int>(n); };
        auto value = [](std::unique_ptr<int> const& p) { return is_even(*p); };
        auto close = finalizer(log);
        auto [even, odd] =
            counting(100) | streams::transform(boxed) | streams::ensuring(close) | streams::partition(s, value, 50);
        auto sum = [](int n, std::unique_ptr<int> p) { return n + *p; };
        auto const a = co_await (std::move(even) | streams::take(3) | streams::fold(0, sum));
        auto const b = co_await (std::move(odd) | streams::take(3) | streams::fold(0, sum));
        CHECK(a == 6);
        CHECK(b == 9);
        log.push_back("seen");
    });
    CHECK(end.is_success());
    CHECK(log == entries{"finalizer begins", "finalizer ends", "seen"});
}

TEST_CASE("sides of a partition on the threads of a pool lose nothing") {
    coir::thread_pool pool{2};
    for (unsigned round = 0; round < 20 * coir_test::stress_scale(); ++round) {
        auto const end = pool.run([round]() -> task<> {
            auto body = [round](scope<>& s) -> task<> {
                auto [even, odd] = counting(400) | streams::partition(s, is_even, 1 + round % 3);
                auto const both = co_await coir::when_all(collect(std::move(even)), collect(std::move(odd)));
                CHECK(std::get<0>(both).size() == 200);
                CHECK(std::get<1>(both).size() == 200);
                CHECK(std::get<0>(both).back() == 398);
                CHECK(std::get<1>(both).back() == 399);
            };
            co_await coir::with_scope(body);
        });
        REQUIRE(end.is_success());
    }
}
