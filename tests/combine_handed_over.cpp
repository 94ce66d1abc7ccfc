// What is handed over - an element, a message, a value that is moved out - goes to the member that
// wins or stays where it is: a loser gets nothing that it would drop.
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/runtime/sync_wait.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/sync/pubsub.hpp>
#include <coir/sync/queue.hpp>
#include <coir/testing/explore.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using coir::deferred;
using coir::queue;
using coir::task;
using coir::test_scheduler;
using coir::unbounded;

namespace {

using element = std::unique_ptr<int>;
using elements = queue<element>;

element made(int n) { return std::make_unique<int>(n); }

task<int> pops_one(elements& a, elements& b) {
    auto got = co_await coir::race(a.pop(), b.pop());
    co_return **got;
}

} // namespace

TEST_CASE("of two elements that come at the same moment a race takes one [Q7, R1]") {
    elements a{unbounded()};
    elements b{unbounded()};
    test_scheduler s;
    auto const f = s.start(pops_one, std::ref(a), std::ref(b));
    s.run_ready();
    CHECK(a.try_push(made(1)) == coir::push_status::accepted);
    CHECK(b.try_push(made(2)) == coir::push_status::accepted);
    s.run_ready();
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->value() == 1);
    CHECK(a.size() == 0);
    CHECK(b.size() == 1);
}

TEST_CASE("the element that a loser does not get goes to who waits behind it") {
    elements a{unbounded()};
    elements b{unbounded()};
    test_scheduler s;
    auto const racing = s.start(pops_one, std::ref(a), std::ref(b));
    s.run_ready();
    auto const pops = [&]() -> task<int> {
        auto got = co_await b.pop();
        co_return **got;
    };
    auto const behind = s.start(pops);
    s.run_ready();
    CHECK(a.try_push(made(1)) == coir::push_status::accepted);
    CHECK(b.try_push(made(2)) == coir::push_status::accepted);
    s.run_ready();
    REQUIRE(racing.poll() != nullptr);
    CHECK(racing.poll()->value() == 1);
    REQUIRE(behind.poll() != nullptr);
    CHECK(behind.poll()->value() == 2);
}

TEST_CASE("a race that something else decides leaves a queue alone") {
    elements q{unbounded()};
    deferred<> other;
    test_scheduler s;
    auto const either = [&]() -> task<bool> {
        auto const got = co_await coir::when_any(q.pop(), other);
        co_return got.index() == 0;
    };

    SECTION("the element first") {
        auto const f = s.start(either);
        s.run_ready();
        CHECK(q.try_push(made(1)) == coir::push_status::accepted);
        other.succeed();
        s.run_ready();
        CHECK(f.poll()->value());
        CHECK(q.size() == 0);
    }
    SECTION("the other, whose end is seen first") {
        auto const f = s.start(either);
        s.run_ready();
        other.succeed();
        s.run_ready();
        CHECK(q.try_push(made(1)) == coir::push_status::accepted);
        CHECK_FALSE(f.poll()->value());
        CHECK(q.size() == 1);
    }
}

TEST_CASE("none is started any more when one was handed something [R5]") {
    elements a{unbounded()};
    elements b{unbounded()};
    REQUIRE(b.try_push(made(2)));
    test_scheduler s;
    auto const serves = [&]() -> task<std::optional<element>> {
        CHECK(a.try_push(made(1)));
        co_await coir::sleep_for(std::chrono::hours{1});
        co_return std::nullopt;
    };
    auto const three = [&]() -> task<int> {
        auto got = co_await coir::race(a.pop(), serves(), b.pop());
        co_return **got;
    };
    CHECK(s.run(three).value() == 1);
    CHECK(b.size() == 1);
}

TEST_CASE("a push that lost a race has not pushed") {
    elements a{coir::bounded(1)};
    elements b{coir::bounded(1)};
    REQUIRE(a.try_push(made(0)));
    REQUIRE(b.try_push(made(0)));
    test_scheduler s;
    auto const either = [&]() -> task<coir::push_status> {
        co_return co_await coir::race(a.push(made(1)), b.push(made(2)));
    };
    auto const f = s.start(either);
    s.run_ready();
    CHECK(a.try_pop());
    CHECK(b.try_pop());
    s.run_ready();
    CHECK(f.poll()->value() == coir::push_status::accepted);
    CHECK(a.size() + b.size() == 1);
}

TEST_CASE("a push to a pop that has lost a race itself does not decide another [Q14]") {
    queue<int> other{coir::bounded(1)};
    queue<int> meeting{coir::bounded(0)};
    bool const push_first = GENERATE(false, true);
    CAPTURE(push_first);
    test_scheduler s;
    auto const receives = [&]() -> task<int> {
        auto const got = co_await coir::race(other.pop(), meeting.pop());
        co_return *got;
    };
    auto const sends = [&]() -> task<bool> {
        if (push_first) {
            auto const which = co_await coir::when_any(meeting.push(7), coir::sleep_for(std::chrono::seconds{1}));
            co_return which.index() == 1;
        }
        auto const which = co_await coir::when_any(coir::sleep_for(std::chrono::seconds{1}), meeting.push(7));
        co_return which.index() == 0;
    };
    auto const run = [&]() -> task<bool> {
        auto const receiver = coir::fork(receives);
        co_await coir::yield();
        static_cast<void>(other.try_push(1)); // the receiver's other pop stands in line still
        bool const slept = co_await sends();  // before the receiver has run again
        co_await receiver;
        co_return slept;
    };
    CHECK(s.run(run).value());
    CHECK(meeting.size() == 0);
}

namespace {

// Moved under the lock of a hub, on a thread of its own, while another fiber is at this lock; then
// that one's race is decided elsewhere.
struct slowly_moved {
    explicit slowly_moved(int number) noexcept : n{number} {}
    slowly_moved(slowly_moved const&) = default;
    slowly_moved(slowly_moved&& other) noexcept : n{other.n} {
        if (meanwhile && std::this_thread::get_id() == mover) {
            std::exchange(meanwhile, nullptr)();
        }
    }
    slowly_moved& operator=(slowly_moved const&) = default;
    int n;

    static inline std::thread::id mover;
    static inline std::function<void()> meanwhile;
};

// The numbers that a subscriber reads after the race of `other.pop()` and `begin()`, which lost.
template <class Reader, class Begin>
std::vector<int> read_after_losing(coir::pubsub<slowly_moved>& hub, Reader& reader, Begin begin) {
    queue<int> other{coir::bounded(1)};
    std::atomic<bool> is_held{false};
    std::thread publisher{[&] {
        slowly_moved::mover = std::this_thread::get_id();
        slowly_moved::meanwhile = [&] {
            is_held = true;
            std::this_thread::sleep_for(std::chrono::milliseconds{100}); // for the other to come to the lock
            static_cast<void>(other.try_push(1));
        };
        static_cast<void>(hub.try_publish(slowly_moved{3}));
    }};
    auto const loses = [&]() -> task<std::size_t> {
        while (!is_held) {
            std::this_thread::yield();
        }
        auto const which = co_await coir::when_any(other.pop(), begin());
        co_return which.index();
    };
    std::size_t const winner = coir::sync_wait(loses).value();
    publisher.join();
    CHECK(winner == 0);
    std::vector<int> all;
    while (auto const message = reader.try_next()) {
        all.push_back(message->n);
    }
    return all;
}

} // namespace

TEST_CASE("a message that was replayed to a loser is replayed again [Q23, Q24]") {
    coir::pubsub<slowly_moved> hub{coir::bounded(8), coir::replay(2)};
    static_cast<void>(hub.try_publish(slowly_moved{1}));
    static_cast<void>(hub.try_publish(slowly_moved{2}));
    auto reader = hub.subscribe();
    CHECK(read_after_losing(hub, reader, [&] { return reader.next(); }) == std::vector{1, 2, 3});
}

TEST_CASE("a publisher that lost a race has published nothing") {
    coir::pubsub<slowly_moved> hub{coir::bounded(8)};
    auto reader = hub.subscribe();
    slowly_moved const mine{9};
    CHECK(read_after_losing(hub, reader, [&] { return hub.publish(mine); }) == std::vector{3});
}

TEST_CASE("a message that a loser does not get is read next") {
    coir::pubsub<int> hub{unbounded()};
    auto first = hub.subscribe();
    auto second = hub.subscribe();
    test_scheduler s;
    auto const either = [&]() -> task<int> {
        auto got = co_await coir::race(first.next(), second.next());
        co_return *got;
    };
    auto const f = s.start(either);
    s.run_ready();
    CHECK(hub.try_publish(5));
    s.run_ready();
    CHECK(f.poll()->value() == 5);
    CHECK(first.size() + second.size() == 1);
}

TEST_CASE("a value that a loser does not take stays in its deferred") {
    deferred<element> a;
    deferred<element> b;
    test_scheduler s;
    auto const either = [&]() -> task<int> {
        auto got = co_await coir::race(a.take(), b.take());
        co_return *got;
    };
    auto const f = s.start(either);
    s.run_ready();
    a.succeed(made(1));
    b.succeed(made(2));
    s.run_ready();
    CHECK(f.poll()->value() == 1);
    auto const takes = [&]() -> task<int> {
        auto got = co_await b.take();
        co_return *got;
    };
    CHECK(s.run(takes).value() == 2);
}

TEST_CASE("a queue with a loser in line may be destroyed at once") {
    elements a{unbounded()};
    auto b = std::make_unique<elements>(unbounded());
    test_scheduler s;
    auto const f = s.start(pops_one, std::ref(a), std::ref(*b));
    s.run_ready();
    REQUIRE(a.try_push(made(1)));
    REQUIRE(b->try_push(made(2)));
    b.reset();
    s.run_ready();
    CHECK(f.poll()->value() == 1);
}

TEST_CASE("a queue that fails does not decide a race") {
    queue<int, int> a{unbounded()};
    queue<int, int> b{unbounded()};
    test_scheduler s;
    auto const either = [&]() -> task<std::optional<int>, int> { co_return co_await coir::race(a.pop(), b.pop()); };
    auto const f = s.start(either);
    s.run_ready();
    a.fail(7);
    REQUIRE(b.try_push(2));
    s.run_ready();
    CHECK(f.poll()->value() == 2);
}

TEST_CASE("every element that is popped in races is seen once, in whatever order things happen [Q7]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        queue<int> a{unbounded()};
        queue<int> b{coir::bounded(0)};
        queue<int> c{coir::bounded(1)};
        std::vector<int> seen;
        auto const pushes = [](queue<int>& q, int from) -> task<> {
            for (int i = from; i < from + 10; ++i) {
                co_await q.push(i);
            }
        };
        auto const pops = [&]() -> task<> {
            while (seen.size() < 30) {
                auto const got = co_await coir::race(a.pop(), b.pop(), c.pop());
                if (!got) {
                    co_return;
                }
                seen.push_back(*got);
            }
            a.close();
            b.close();
            c.close();
        };
        auto const all = [&]() -> task<> {
            coir::fork(pops);
            auto const other = coir::fork(pops);
            coir::fork(pushes, std::ref(a), 0);
            coir::fork(pushes, std::ref(b), 10);
            coir::fork(pushes, std::ref(c), 20);
            co_await other;
        };
        CHECK(s.run(all).is_success());
        std::vector<bool> once(30);
        for (int each : seen) {
            CHECK_FALSE(once.at(static_cast<std::size_t>(each)));
            once.at(static_cast<std::size_t>(each)) = true;
        }
        CHECK(seen.size() == 30);
    });
}

TEST_CASE("every element that is popped in races on a pool is seen once [Q7]") {
    int const count = 2'000 * static_cast<int>(coir_test::stress_scale());
    queue<int> a{unbounded()};
    queue<int> b{coir::bounded(0)};
    std::vector<int> seen;
    auto const pops = [&]() -> task<> {
        while (auto const got = co_await coir::race(a.pop(), b.pop())) {
            seen.push_back(*got);
        }
    };
    coir::thread_pool pool{2};
    std::thread pushing{[&] {
        for (int i = 0; i < count; i += 2) {
            static_cast<void>(a.try_push(i)); // no assertions on this thread
        }
    }};
    auto const pushes = [&]() -> task<> {
        for (int i = 1; i < count; i += 2) {
            co_await b.push(i);
        }
    };
    auto const popping = pool.spawn(pops);
    pool.run(pushes);
    pushing.join();
    while (a.size() != 0) {
        std::this_thread::yield();
    }
    a.close(); // who waits at both ends with it, and everything else has been taken
    auto const joins = [&]() -> task<> { co_await popping; };
    CHECK(pool.run(joins).is_success());
    std::sort(seen.begin(), seen.end());
    REQUIRE(seen.size() == static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        CHECK(seen[static_cast<std::size_t>(i)] == i);
    }
}

TEST_CASE("a fiber that was asked to end begins nothing in when_all, ready or not [I1, R16]") {
    queue<int> q{unbounded()};
    queue<int> other{unbounded()};
    deferred<> done;
    done.succeed();
    int begun = 0;
    auto const counts = [&]() -> task<> {
        ++begun;
        co_return;
    };
    auto const variadic = [&]() -> task<> { co_await coir::when_all(q.pop(), other.push(1), done, counts()); };
    auto const settled = [&]() -> task<> { co_await coir::all_settled(q.pop(), other.push(1), counts()); };
    auto const range = [&]() -> task<> {
        std::vector<decltype(q.pop())> pops;
        pops.push_back(q.pop());
        co_await coir::when_all(std::move(pops));
    };
    auto const settled_range = [&]() -> task<> {
        std::vector<decltype(q.pop())> pops;
        pops.push_back(q.pop());
        co_await coir::all_settled(std::move(pops));
    };
    std::function<task<>()> const ways[] = {variadic, settled, range, settled_range};
    for (auto const& way : ways) {
        static_cast<void>(q.try_push(7));
        test_scheduler s;
        coir::fiber<> self;
        auto const asked = [&]() -> task<> {
            co_await coir::yield();
            self.request_interrupt();
            co_await way();
        };
        self = s.start(asked);
        s.run_ready();
        REQUIRE(self.poll() != nullptr);
        CHECK(self.poll()->is_interrupted());
        CHECK(q.size() == 1);
        CHECK(other.size() == 0);
        CHECK(begun == 0);
        CHECK(q.try_pop() == 7);
    }
}
