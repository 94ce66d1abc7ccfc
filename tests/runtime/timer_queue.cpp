#include <coir/runtime/timer_queue.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <random>
#include <thread>
#include <utility>
#include <vector>

using coir::timer;
using coir::timer_queue;

namespace {

using time_point = timer::time_point;

time_point at(int tick) { return time_point{std::chrono::microseconds{tick}}; }

// Notes in which order the queue let it expire and finish.
struct noting_timer final : timer {
    explicit noting_timer(std::vector<noting_timer*>& to, bool wants_finish = true)
        : finished{&to}, claims{wants_finish} {}
    bool expire() noexcept override {
        ++expired;
        return claims;
    }
    void finish() noexcept override { finished->push_back(this); }
    std::vector<noting_timer*>* finished;
    bool claims;
    int expired = 0;
};

} // namespace

TEST_CASE("arm tells whether the timer is the earliest now") {
    std::vector<noting_timer*> finished;
    noting_timer a{finished};
    noting_timer b{finished};
    noting_timer c{finished};
    timer_queue timers;
    CHECK(timers.next_deadline() == timer_queue::never);
    CHECK(timers.arm(a, at(20)));
    CHECK_FALSE(timers.arm(b, at(20))); // equal: a was first
    CHECK(timers.arm(c, at(10)));
    CHECK(timers.next_deadline() == at(10));
    CHECK(timers.disarm(c));
    CHECK(timers.next_deadline() == at(20));
    CHECK(timers.run_expired(at(20)));
    CHECK(finished == std::vector{&a, &b});
    CHECK(timers.next_deadline() == timer_queue::never);
}

TEST_CASE("the next deadline is told before what has expired is finished") {
    std::vector<noting_timer*> finished;
    noting_timer first{finished};
    noting_timer lost{finished, false};
    noting_timer later{finished};
    timer_queue timers;
    timers.arm(first, at(1));
    timers.arm(lost, at(2));
    timers.arm(later, at(9));
    std::vector<time_point> told;
    auto const tell = [&](time_point next) {
        CHECK(finished.empty());
        told.push_back(next);
    };
    CHECK(timers.run_expired(at(5), tell));
    CHECK(finished == std::vector{&first});
    finished.clear();
    CHECK_FALSE(timers.run_expired(at(5), tell)); // also if there was nothing to do
    CHECK(told == std::vector{at(9), at(9)});
    CHECK(timers.run_expired(at(9), tell));
    CHECK(told.back() == timer_queue::never);
}

TEST_CASE("a timer does not expire before its deadline") {
    std::vector<noting_timer*> finished;
    noting_timer t{finished};
    timer_queue timers;
    timers.arm(t, at(10));
    CHECK_FALSE(timers.run_expired(at(10) - std::chrono::nanoseconds{1}));
    CHECK(t.expired == 0);
    CHECK(timers.run_expired(at(10)));
    CHECK(t.expired == 1);
}

TEST_CASE("a timer whose expire() lost is not finished") {
    std::vector<noting_timer*> finished;
    noting_timer lost{finished, false};
    noting_timer won{finished};
    timer_queue timers;
    timers.arm(lost, at(1));
    timers.arm(won, at(2));
    CHECK(timers.run_expired(at(5)));
    CHECK(lost.expired == 1);
    CHECK(finished == std::vector{&won});
}

TEST_CASE("a disarmed timer does not expire, and can be armed again") {
    std::vector<noting_timer*> finished;
    noting_timer t{finished};
    timer_queue timers;
    CHECK_FALSE(timers.disarm(t));
    timers.arm(t, at(1));
    CHECK(timers.disarm(t));
    CHECK_FALSE(timers.disarm(t));
    CHECK_FALSE(timers.run_expired(at(5)));
    timers.arm(t, at(3));
    CHECK(timers.run_expired(at(5)));
    CHECK_FALSE(timers.disarm(t));
    CHECK(t.expired == 1);
}

TEST_CASE("a timer may be armed again from its own finish()") {
    struct again final : timer {
        explicit again(timer_queue& q) : timers{q} {}
        bool expire() noexcept override { return true; }
        void finish() noexcept override {
            if (++runs < 3) {
                timers.arm(*this, deadline() + std::chrono::microseconds{1});
            }
        }
        timer_queue& timers;
        int runs = 0;
    };
    timer_queue timers;
    again t{timers};
    timers.arm(t, at(0));
    for (int tick = 0; tick < 3; ++tick) {
        REQUIRE(timers.run_expired(at(tick)));
    }
    CHECK(t.runs == 3);
    CHECK(timers.next_deadline() == timer_queue::never);
}

TEST_CASE("random arms, disarms and expiries agree with a sorted map, in exact order") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random{seed};
        auto const draw = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
        std::vector<noting_timer*> finished;
        std::vector<noting_timer*> expected;
        std::deque<noting_timer> all;
        for (int i = 0; i < 200; ++i) {
            all.emplace_back(finished);
        }
        std::multimap<time_point, noting_timer*> reference; // equal keys stay in order of insertion
        std::map<noting_timer*, std::multimap<time_point, noting_timer*>::iterator> armed;
        timer_queue timers;
        int now = 0;
        for (int step = 0; step < 5000; ++step) {
            noting_timer& t = all[static_cast<std::size_t>(draw(200))];
            int const choice = draw(100);
            if (choice < 90 && armed.count(&t) == 0) {
                auto const place = reference.emplace(at(now + draw(50)), &t);
                armed[&t] = place;
                REQUIRE(timers.arm(t, place->first) == (place == reference.begin()));
            } else if (choice < 90) {
                reference.erase(armed[&t]);
                armed.erase(&t);
                REQUIRE(timers.disarm(t));
            } else {
                now += draw(20);
                while (!reference.empty() && reference.begin()->first <= at(now)) {
                    expected.push_back(reference.begin()->second);
                    armed.erase(reference.begin()->second);
                    reference.erase(reference.begin());
                }
                timers.run_expired(at(now));
                REQUIRE(finished == expected);
            }
            REQUIRE(timers.next_deadline() == (reference.empty() ? timer_queue::never : reference.begin()->first));
        }
        CHECK(expected.size() > 100);
    }
}

TEST_CASE("arming and disarming from many threads beside expiry: each ends one way") {
    struct racing_timer final : timer {
        bool expire() noexcept override {
            expired = true;
            return true;
        }
        void finish() noexcept override { done.store(true, std::memory_order_release); }
        bool expired = false; // written under the timer lock, read after disarm() took it
        std::atomic<bool> done{false};
    };
    timer_queue timers;
    std::atomic<int> wrong{0};
    std::atomic<int> running{3};
    constexpr int each = 5000;
    std::vector<std::thread> from;
    for (int p = 0; p < 3; ++p) {
        from.emplace_back([&, p] {
            for (int i = 0; i < each; ++i) {
                racing_timer t;
                timers.arm(t, at((i * 31 + p) % 64));
                if (i % 5 == 0) {
                    std::this_thread::yield();
                }
                bool const removed = timers.disarm(t);
                wrong += removed == t.expired ? 1 : 0;
                while (!removed && !t.done.load(std::memory_order_acquire)) {
                    std::this_thread::yield();
                }
            }
            --running;
        });
    }
    for (int tick = 0; running != 0; ++tick) {
        timers.run_expired(at(tick % 64));
        std::this_thread::yield();
    }
    for (std::thread& t : from) {
        t.join();
    }
    CHECK(wrong == 0);
    CHECK(timers.next_deadline() == timer_queue::never);
}

TEST_CASE("a hundred thousand timers expire without recursion") {
    std::vector<noting_timer*> finished;
    std::deque<noting_timer> all;
    timer_queue timers;
    for (int i = 0; i < 100000; ++i) {
        timers.arm(all.emplace_back(finished), at(100000 - i));
    }
    CHECK(timers.run_expired(at(100000)));
    CHECK(finished.size() == all.size());
    CHECK(finished.front() == &all.back());
}
