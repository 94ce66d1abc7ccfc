// watch: the value now, its changes, waiting for one that fits.
#include <coir/combine.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/stream.hpp>
#include <coir/sync/watch.hpp>
#include <coir/testing/explore.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"
#include "support/interrupt_everywhere.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace coir;
using namespace std::chrono_literals;
using ints = std::vector<int>;

namespace {

task<> follow(watch_reader<int> r, ints& seen) {
    while (auto n = co_await r.next()) {
        seen.push_back(*n);
    }
    seen.push_back(-1);
}

} // namespace

TEST_CASE("a watch holds a value that any thread reads and changes [M14]") {
    watch<std::string> w{"a"};
    CHECK(w.get() == "a");
    auto const before = w.snapshot();
    CHECK(w.set("b"));
    CHECK(w.update([](std::string const& s) { return s + "c"; }));
    CHECK_FALSE(w.compare_and_set("b", "x"));
    CHECK(w.compare_and_set("bc", "d"));
    CHECK(w.get() == "d");
    CHECK(*before == "a");
    CHECK(w.close());
    CHECK_FALSE(w.close());
    CHECK(w.is_closed());
    CHECK_FALSE(w.set("late"));
    CHECK_FALSE(w.update([](std::string const& s) { return s; }));
    CHECK_FALSE(w.compare_and_set("d", "late"));
    CHECK(w.get() == "d");
}

TEST_CASE("a reader gets the value now first, then changes, and of several the newest [M14]") {
    test_scheduler s;
    ints seen;
    s.run([&]() -> task<> {
        watch<int> w{1};
        auto const f = fork(follow, w.subscribe(), std::ref(seen));
        co_await sleep_for(1ms);
        CHECK(seen == ints{1});
        w.set(2);
        co_await sleep_for(1ms);
        w.set(3);
        w.set(4);
        w.set(4); // equal, and a change all the same
        co_await sleep_for(1ms);
        CHECK(seen == ints{1, 2, 4});
        w.set(5);
        w.close();
        co_await f;
    });
    CHECK(seen == ints{1, 2, 4, 5, -1});
}

TEST_CASE("readers are on their own, and outlive the watch, which has ended then [M14]") {
    test_scheduler s;
    s.run([]() -> task<> {
        std::optional<watch<int>> w{std::in_place, 1};
        auto a = w->subscribe();
        auto const one = co_await a.next();
        CHECK(one == 1);
        CHECK_FALSE(a.has_changed());
        auto b = a; // goes on from there
        auto fresh = w->subscribe();
        CHECK(fresh.has_changed());
        w->set(2);
        CHECK(a.has_changed());
        auto const two = co_await a.next();
        CHECK(two == 2);
        CHECK_FALSE(a.has_changed());
        w.reset();
        auto const last = co_await b.next();
        CHECK(last == 2);
        auto const end = co_await b.next();
        auto const end_again = co_await a.next();
        CHECK_FALSE(end.has_value());
        CHECK_FALSE(end_again.has_value());
        auto const first = co_await fresh.next();
        CHECK(first == 2);
    });
}

TEST_CASE("a reader that is interrupted or timed out while it waits has seen nothing and leaves nothing [M14]") {
    test_scheduler s;
    s.run([]() -> task<> {
        watch<int> w{1};
        auto r = w.subscribe();
        co_await r.next();
        auto const late = co_await timeout(r.next(), 1ms);
        CHECK_FALSE(late.has_value());
        w.set(2);
        auto const next = co_await r.next();
        CHECK(next == 2);
        ints seen;
        auto const f = fork(follow, w.subscribe(), std::ref(seen));
        co_await sleep_for(1ms);
        co_await f.interrupt();
        w.set(3);
        CHECK(seen == ints{2});
    });
}

TEST_CASE("wait_until goes on with the first value that fits, the one now included [M14]") {
    test_scheduler s;
    s.run([]() -> task<> {
        watch<int> w{5};
        int looks = 0;
        auto const at_least = [&looks](int least) {
            return [&looks, least](int n) {
                ++looks;
                return n >= least;
            };
        };
        auto fits = at_least(5);
        auto const now = co_await w.wait_until(fits);
        CHECK(now == 5);
        CHECK(looks == 1);
        auto const change = [&]() -> task<> {
            for (int n = 6; n < 9; ++n) {
                co_await sleep_for(1ms);
                w.set(n);
            }
            co_await sleep_for(1ms);
            w.close();
        };
        fork(change);
        auto const start = coir::now();
        auto more = at_least(8);
        auto const later = co_await w.wait_until(more);
        CHECK(later == 8);
        CHECK(coir::now() - start == 3ms);
        auto never = at_least(100);
        auto const none = co_await w.wait_until(never);
        CHECK_FALSE(none.has_value());
        CHECK(coir::now() - start == 4ms);
        auto throws = [](int) -> bool { throw std::runtime_error{"predicate"}; };
        try {
            co_await w.wait_until(throws);
            FAIL("it threw");
        } catch (std::runtime_error const& e) {
            CHECK(e.what() == std::string{"predicate"});
        }
    });
}

TEST_CASE("whatever the order, no reader misses the last value or goes back [M14]") {
    auto const explored = explore(coir_test::seeds(), [](test_scheduler& s) {
        s.run([]() -> task<> {
            watch<int> w{0};
            ints seen[3];
            std::vector<fiber<>> readers;
            for (auto& mine : seen) {
                readers.push_back(fork(follow, w.subscribe(), std::ref(mine)));
            }
            auto const write = [&w]() -> task<> {
                for (int n = 0; n < 5; ++n) {
                    w.update([](int old) { return old + 1; });
                    co_await yield();
                }
            };
            auto a = fork(write);
            auto b = fork(write);
            co_await a;
            co_await b;
            CHECK(w.get() == 10);
            w.close();
            co_await join_all(readers);
            for (auto const& mine : seen) {
                REQUIRE(mine.size() >= 2);
                CHECK(mine[mine.size() - 2] == 10); // nobody misses the last one
                for (std::size_t i = 1; i + 1 < mine.size(); ++i) {
                    CHECK(mine[i - 1] < mine[i]);
                }
            }
        });
    });
    CHECK(explored.distinct > explored.runs / 2);
}

TEST_CASE("from_watch gives the value at the first pull, then changes, and ends with the watch [M14]") {
    test_scheduler s;
    auto const end = s.run([]() -> task<ints> {
        std::optional<watch<int>> w{std::in_place, 0};
        auto changes = streams::from_watch(*w);
        w->set(1);
        auto const change = [&]() -> task<> {
            for (int n = 2; n < 5; ++n) {
                co_await sleep_for(2ms);
                w->set(n);
                w->set(n * 10);
            }
            w.reset();
        };
        fork(change);
        co_return co_await (std::move(changes) | streams::to_vector());
    });
    CHECK(end.value() == ints{1, 20, 30, 40});
}

TEST_CASE("a watch interrupted everywhere [M14][I1]") {
    coir_test::interrupt_everywhere([](coir_test::ledger& books) -> task<> {
        watch<int> w{0};
        auto const write = [&]() -> task<> {
            for (int n = 1; n < 4; ++n) {
                co_await sleep_for(1ms);
                w.set(n);
            }
        };
        fork(write);
        auto fits = [](int n) { return n == 2; };
        auto const two = co_await books.guarded(w.wait_until(fits));
        CHECK(two == 2);
        auto body = [&](auto& in) -> task<> {
            while (auto n = co_await next(in)) {
                if (*n == 3) {
                    co_return;
                }
            }
        };
        co_await books.guarded(with_stream(streams::from_watch(w), body));
    });
}

TEST_CASE("threads change a watch, fibers of a pool follow: nobody misses the last value [M14]") {
    thread_pool pool{2};
    int const changes = 2'000 * static_cast<int>(coir_test::stress_scale());
    watch<int> w{0};
    std::vector<fiber<int>> readers;
    for (int i = 0; i < 4; ++i) {
        readers.push_back(pool.spawn([&]() -> task<int> {
            int last = -1;
            auto r = w.subscribe();
            while (auto n = co_await r.next()) {
                if (*n <= last) {
                    co_return -1;
                }
                last = *n;
            }
            co_return last;
        }));
    }
    auto const impatient = pool.spawn([&]() -> task<> {
        auto r = w.subscribe();
        while (!w.is_closed()) {
            static_cast<void>(co_await timeout(r.next(), 10us));
        }
    });
    std::vector<std::thread> writers;
    for (int i = 0; i < 2; ++i) {
        writers.emplace_back([&] {
            for (int n = 0; n < changes; ++n) {
                w.update([](int old) { return old + 1; });
            }
        });
    }
    for (auto& t : writers) {
        t.join();
    }
    CHECK(w.get() == 2 * changes);
    w.close();
    auto const end = pool.run([&]() -> task<> {
        for (auto& r : readers) {
            auto const last = co_await r;
            CHECK(last == 2 * changes);
        }
        co_await impatient;
    });
    CHECK(end.is_success());
}

TEST_CASE("a reader whose wait is not the first of several to end has seen nothing [R1]") {
    watch<int> w{0};
    deferred<> stop;
    test_scheduler s;
    auto reader = w.subscribe();
    auto const run = [&]() -> task<> {
        static_cast<void>(co_await reader.next());
        auto const changes = [&]() -> task<> {
            stop.succeed();
            static_cast<void>(w.set(5)); // both have come when the other fiber goes on
            co_return;
        };
        auto const changing = fork(changes);
        auto const first = co_await when_any(stop, reader.next());
        CHECK(first.index() == 0);
        CHECK(reader.has_changed());
        auto const next = co_await timeout(reader.next(), 1s);
        CHECK(next == std::optional{std::optional{5}});
        CHECK_FALSE(reader.has_changed());
        co_await changing;
    };
    CHECK(s.run(run).is_success());
}
