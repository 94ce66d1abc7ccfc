#include <coir/runtime/thread_pool.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <ctime>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using coir::runnable;
using coir::thread_pool;
using coir::timer;
using coir::detail::parker;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

// Counts down from any thread; the test's thread waits for zero.
class countdown {
public:
    explicit countdown(int n) : left_{n} {}
    void hit() {
        if (left_.fetch_sub(1) == 1) {
            zero_.unpark();
        }
    }
    void wait() { zero_.park(); }

private:
    std::atomic<int> left_;
    parker zero_;
};

struct job final : runnable {
    explicit job(std::function<void()> f) : runnable{&run_it}, body{std::move(f)} {}
    static void run_it(runnable& r) noexcept {
        auto& me = static_cast<job&>(r);
        ++me.runs;
        me.body();
    }
    std::function<void()> body;
    int runs = 0; // plain: a second run beside the first would be a race
};

struct test_timer final : timer {
    explicit test_timer(std::function<void()> f) : body{std::move(f)} {}
    bool expire() noexcept override {
        early = steady::now() < deadline();
        ++expired;
        return true;
    }
    void finish() noexcept override { body(); }
    std::function<void()> body;
    int expired = 0;
    bool early = false;
};

// Stays until it is interrupted, and then ends on a worker.
struct test_fiber final : coir::detail::nursery_member {
    explicit test_fiber(thread_pool& pool)
        : leave{[this, &pool] {
              ended = true;
              pool.fibers().remove(*this);
          }},
          home{pool} {}
    bool interrupt_member(coir::fiber_id) noexcept override {
        home.post(leave);
        return false;
    }
    void finish_interrupt() noexcept override {}
    bool ended = false;
    job leave;
    thread_pool& home;
};

std::size_t count_run_once(std::deque<job> const& jobs) {
    std::size_t n = 0;
    for (job const& j : jobs) {
        n += j.runs == 1 ? 1U : 0U;
    }
    return n;
}

} // namespace

TEST_CASE("a pool has at least one thread") {
    CHECK(thread_pool{0}.thread_count() == 1);
    CHECK(thread_pool{3}.thread_count() == 3);
    CHECK(thread_pool{}.thread_count() >= 1);
}

TEST_CASE("work runs on a thread of the pool, marked as such") {
    thread_pool pool{1};
    countdown all{1};
    coir::scheduler* current = nullptr;
    std::thread::id where;
    job j{[&] {
        current = coir::detail::this_worker().current;
        where = std::this_thread::get_id();
        all.hit();
    }};
    pool.post(j);
    all.wait();
    CHECK(current == &pool);
    CHECK(where != std::this_thread::get_id());
    CHECK(coir::detail::this_worker().current == nullptr);
}

TEST_CASE("what many threads post runs exactly once each") {
    for (unsigned threads = 1; threads <= 4; ++threads) {
        constexpr int posters = 3;
        constexpr int each = 3000;
        thread_pool pool{threads};
        countdown all{posters * each};
        std::deque<job> jobs;
        for (int i = 0; i < posters * each; ++i) {
            jobs.emplace_back([&] { all.hit(); });
        }
        std::vector<std::thread> from;
        for (std::size_t p = 0; p < posters; ++p) {
            from.emplace_back([&, p] {
                for (std::size_t i = 0; i < each; ++i) {
                    pool.post(jobs[p * each + i]);
                }
            });
        }
        all.wait();
        for (std::thread& t : from) {
            t.join();
        }
        CHECK(count_run_once(jobs) == jobs.size());
    }
}

TEST_CASE("work posted by work runs exactly once, more than a deque holds too") {
    for (unsigned threads = 1; threads <= 3; ++threads) {
        thread_pool pool{threads};
        constexpr int children = 2000;
        countdown all{3 * children};
        std::deque<job> jobs;
        for (int i = 0; i < 3 * children; ++i) {
            jobs.emplace_back([&] { all.hit(); });
        }
        std::deque<job> parents;
        for (std::size_t p = 0; p < 3; ++p) {
            parents.emplace_back([&, p] {
                for (std::size_t i = 0; i < children; ++i) {
                    pool.post(jobs[p * children + i]);
                }
            });
        }
        for (job& p : parents) {
            pool.post(p);
        }
        all.wait();
        CHECK(count_run_once(jobs) == jobs.size());
    }
}

TEST_CASE("a binary tree of posts is run to its last leaf") {
    thread_pool pool{2};
    constexpr std::size_t nodes = (1U << 14U) - 1;
    countdown all{static_cast<int>(nodes)};
    std::deque<job> tree;
    for (std::size_t i = 0; i < nodes; ++i) {
        tree.emplace_back([&, i] {
            for (std::size_t const child : {2 * i + 1, 2 * i + 2}) {
                if (child < nodes) {
                    pool.post(tree[child]);
                }
            }
            all.hit();
        });
    }
    pool.post(tree[0]);
    all.wait();
    CHECK(count_run_once(tree) == nodes);
}

TEST_CASE("no wake-up is lost when every post meets workers that go to sleep") {
    for (unsigned threads = 1; threads <= 3; ++threads) {
        thread_pool pool{threads};
        for (int round = 0; round < 3000; ++round) {
            countdown all{2};
            job second{[&] { all.hit(); }};
            job first{[&] {
                pool.post(second);
                all.hit();
            }};
            pool.post(first);
            all.wait(); // hangs if one is lost
        }
    }
    SUCCEED("every round ended");
}

TEST_CASE("what a worker posted is taken by another while the first is busy") {
    thread_pool pool{2};
    for (int round = 0; round < 200; ++round) {
        countdown all{1};
        std::atomic<bool> ran{false};
        job child{[&] { ran = true; }};
        job parent{[&] {
            pool.post(child);
            while (!ran) { // only another worker can end this
                std::this_thread::yield();
            }
            all.hit();
        }};
        pool.post(parent);
        all.wait();
    }
    SUCCEED("every child was stolen");
}

TEST_CASE("of a burst of posts the first wakes a worker, and that one wakes the next") {
    thread_pool pool{3};
    for (int round = 0; round < 300; ++round) {
        countdown all{3};
        std::atomic<int> inside{0};
        auto const meet = [&] {
            ++inside;
            while (inside < 3) { // each needs a worker of its own
                std::this_thread::yield();
            }
            all.hit();
        };
        job a{meet};
        job b{meet};
        job c{meet};
        pool.post(a);
        pool.post(b);
        pool.post(c);
        all.wait();
    }
    SUCCEED("three at a time, every round");
}

TEST_CASE("each of many busy workers' posts finds a sleeper") {
    thread_pool pool{4};
    for (int round = 0; round < 100; ++round) {
        countdown all{1};
        std::atomic<int> inside{0};
        auto const meet = [&] {
            if (inside.fetch_add(1) == 3) {
                all.hit();
            }
            while (inside < 4) {
                std::this_thread::yield();
            }
            inside.fetch_add(1);
        };
        job d{meet};
        job c{[&] {
            pool.post(d);
            meet();
        }};
        job b{[&] {
            pool.post(c);
            meet();
        }};
        job a{[&] {
            pool.post(b);
            meet();
        }};
        pool.post(a);
        all.wait();
        while (inside < 8) {
            std::this_thread::yield();
        }
    }
    SUCCEED("four at a time, every round");
}

TEST_CASE("work that posts itself again lets others run") {
    thread_pool pool{1};
    countdown all{2};
    bool other_ran = false;
    job other{[&] {
        other_ran = true;
        all.hit();
    }};
    std::optional<job> loop;
    loop.emplace([&] {
        if (other_ran) {
            all.hit();
        } else {
            pool.post(*loop);
        }
    });
    job start{[&] {
        pool.post(other);
        pool.post(*loop); // the newest, so it runs first
    }};
    pool.post(start);
    all.wait();
    pool.shutdown();
    CHECK(loop->runs == 2);
}

TEST_CASE("two pieces of work that post each other starve neither an older one nor the shared queue") {
    thread_pool pool{1};
    countdown all{2};
    std::atomic<int> others{0};
    auto const count = [&] {
        ++others;
        all.hit();
    };
    job older{count};
    job outside{count};
    std::optional<job> ping;
    std::optional<job> pong;
    ping.emplace([&] {
        if (others < 2) {
            pool.post(*pong);
        }
    });
    pong.emplace([&] { pool.post(*ping); });
    job start{[&] {
        pool.post(older);
        pool.post(*ping);
    }};
    pool.post(start);
    pool.post(outside);
    all.wait();
    CHECK(older.runs == 1);
    CHECK(outside.runs == 1);
    pool.shutdown();
}

TEST_CASE("a sleeping pool wakes for a deadline that is earlier than the one it slept for, never early") {
    thread_pool pool{2};
    countdown all{2};
    test_timer far{[] {}};
    test_timer soon{[&] { all.hit(); }};
    test_timer past{[&] { all.hit(); }};
    auto const start = steady::now();
    pool.arm(far, start + 1h);
    pool.arm(soon, start + 5ms);
    pool.arm(past, start - 1s);
    all.wait();
    CHECK(soon.expired == 1);
    CHECK(past.expired == 1);
    CHECK_FALSE(soon.early);
    CHECK(far.expired == 0);
    pool.disarm(far);
}

TEST_CASE("a timer fires while another worker, which kept the deadline before, is busy") {
    thread_pool pool{2};
    for (int round = 0; round < 50; ++round) {
        countdown all{1};
        std::atomic<bool> second_fired{false};
        test_timer second{[&] { second_fired = true; }};
        job busy{[&] { // what the first timer resumed: it needs the other worker to keep time
            while (!second_fired) {
                std::this_thread::yield();
            }
            all.hit();
        }};
        test_timer first{[&] { pool.post(busy); }};
        auto const start = steady::now();
        pool.arm(first, start + 200us);
        pool.arm(second, start + 600us);
        all.wait();
        CHECK(first.expired == 1);
        CHECK(second.expired == 1);
    }
}

TEST_CASE("a timer armed by busy work fires on another worker") {
    thread_pool pool{2};
    for (int round = 0; round < 50; ++round) {
        countdown all{1};
        std::atomic<bool> fired{false};
        test_timer t{[&] { fired = true; }};
        job busy{[&] {
            pool.arm(t, steady::now() + 100us);
            while (!fired) {
                std::this_thread::yield();
            }
            all.hit();
        }};
        pool.post(busy);
        all.wait();
        CHECK(t.expired == 1);
    }
}

TEST_CASE("timers that run on a busy pool of one are not starved") {
    thread_pool pool{1};
    countdown all{1};
    std::atomic<bool> fired{false};
    test_timer t{[&] { fired = true; }};
    std::optional<job> ping;
    std::optional<job> pong;
    ping.emplace([&] {
        if (fired) {
            all.hit();
        } else {
            pool.post(*pong);
        }
    });
    pong.emplace([&] { pool.post(*ping); });
    pool.post(*ping);
    pool.arm(t, steady::now() + 1ms);
    all.wait();
    CHECK(t.expired == 1);
}

TEST_CASE("timers armed and disarmed by many threads fire once or not at all") {
    thread_pool pool{2};
    std::vector<std::thread> from;
    std::atomic<int> fired{0};
    std::atomic<int> disarmed{0};
    std::atomic<int> wrong{0};
    constexpr int each = 300;
    for (int p = 0; p < 3; ++p) {
        from.emplace_back([&, p] {
            for (int i = 0; i < each; ++i) {
                countdown one{1};
                test_timer t{[&] { one.hit(); }};
                pool.arm(t, steady::now() + std::chrono::microseconds{(i * 7 + p * 3) % 100});
                if (i % 3 == 0) {
                    std::this_thread::yield();
                }
                pool.disarm(t);
                if (t.expired != 0) { // then finish() is owed, and may be using `t`
                    one.wait();
                    ++fired;
                } else {
                    ++disarmed;
                }
                wrong += t.expired > 1 || t.early ? 1 : 0;
            }
        });
    }
    for (std::thread& t : from) {
        t.join();
    }
    CHECK(fired + disarmed == 3 * each);
    CHECK(wrong == 0);
}

TEST_CASE("shutdown interrupts what runs and waits until it has ended") {
    thread_pool pool{2};
    std::deque<test_fiber> fibers;
    for (int i = 0; i < 100; ++i) {
        fibers.emplace_back(pool);
        REQUIRE(pool.fibers().add(fibers.back()));
    }
    pool.shutdown();
    int ended = 0;
    for (test_fiber const& f : fibers) {
        ended += f.ended ? 1 : 0;
    }
    CHECK(ended == 100);
    test_fiber late{pool};
    CHECK_FALSE(pool.fibers().add(late));
}

TEST_CASE("shutdown can be called again, and by several threads, and all return when it is done") {
    thread_pool pool{2};
    std::deque<test_fiber> fibers;
    for (int i = 0; i < 10; ++i) {
        fibers.emplace_back(pool);
        REQUIRE(pool.fibers().add(fibers.back()));
    }
    std::atomic<int> returned_early{0};
    auto const down = [&] {
        pool.shutdown();
        returned_early += pool.fibers().size() == 0 ? 0 : 1;
    };
    std::thread a{down};
    std::thread b{down};
    down();
    a.join();
    b.join();
    pool.shutdown();
    CHECK(returned_early == 0);
}

TEST_CASE("shutdown on a worker throws would_deadlock") {
    thread_pool pool{2};
    thread_pool other{1};
    countdown all{1};
    int thrown = 0;
    job j{[&] {
        for (thread_pool* p : {&pool, &other}) {
            try {
                p->shutdown();
            } catch (coir::would_deadlock const&) {
                ++thrown;
            }
        }
        all.hit();
    }};
    pool.post(j);
    all.wait();
    CHECK(thrown == 2);
}

TEST_CASE("work posted before and while the pool shuts down runs once") {
    for (int round = 0; round < 50; ++round) {
        std::deque<job> jobs;
        {
            thread_pool pool{2};
            for (int i = 0; i < 300; ++i) {
                jobs.emplace_back([] {});
            }
            test_fiber holds{pool}; // the pool stays up until the posts have been made
            REQUIRE(pool.fibers().add(holds));
            std::atomic<int> posting{3};
            holds.leave.body = [&] {
                if (posting != 0) {
                    pool.post(holds.leave);
                } else {
                    pool.fibers().remove(holds);
                }
            };
            std::vector<std::thread> from;
            for (std::size_t p = 0; p < 3; ++p) {
                from.emplace_back([&, p] {
                    for (std::size_t i = 0; i < 100; ++i) {
                        pool.post(jobs[p * 100 + i]);
                    }
                    --posting;
                });
            }
            pool.shutdown();
            for (std::thread& t : from) {
                t.join();
            }
        }
        CHECK(count_run_once(jobs) == jobs.size());
    }
}

namespace {

struct posts_at_the_end_of_its_thread {
    ~posts_at_the_end_of_its_thread() {
        if (pool != nullptr) {
            pool->post(*work);
        }
    }
    thread_pool* pool = nullptr;
    runnable* work = nullptr;
};
thread_local posts_at_the_end_of_its_thread last_words;

} // namespace

TEST_CASE("work that a worker's thread posts when it ends, from destructors of its own objects, runs") {
    job posted{[] {}};
    {
        thread_pool pool{1};
        countdown prepared{1};
        job prepares{[&] {
            last_words.pool = &pool;
            last_words.work = &posted;
            prepared.hit();
        }};
        pool.post(prepares);
        prepared.wait();
    }
    CHECK(posted.runs == 1);
}

TEST_CASE("while a timer's work takes its time, another worker wakes for the next deadline") {
    thread_pool pool{2};
    countdown second_ran{1};
    countdown first_done{1};
    test_timer second{[&] { second_ran.hit(); }};
    test_timer first{[&] {
        second_ran.wait();
        first_done.hit();
    }};
    auto const now = steady::now();
    pool.arm(second, now + 30ms);
    pool.arm(first, now + 10ms);
    first_done.wait();
    CHECK(first.expired == 1);
    CHECK(second.expired == 1);
}

TEST_CASE("a pool may end as soon as its last work has been posted and has run") {
    for (int round = 0; round < 300; ++round) {
        auto pool = std::make_unique<thread_pool>(1U);
        countdown all{1};
        job j{[&] { all.hit(); }};
        std::thread from{[&] { pool->post(j); }};
        all.wait();
        pool.reset(); // while post() may still be on its way out
        from.join();
        CHECK(j.runs == 1);
    }
}

TEST_CASE("an idle pool uses no processor time") {
    thread_pool pool{2};
    countdown all{1};
    job j{[&] { all.hit(); }};
    test_timer never{[] {}};
    pool.post(j);
    pool.arm(never, steady::now() + 1h);
    all.wait();
    std::this_thread::sleep_for(20ms);
    std::clock_t const before = std::clock();
    std::this_thread::sleep_for(50ms);
    auto const used = std::clock() - before;
    CHECK(used < CLOCKS_PER_SEC / 1000 * 10); // a spinning worker would have used all 50 ms
    pool.disarm(never);
}
