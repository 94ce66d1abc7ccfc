#include <coir/detail/parker.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

using coir::detail::parker;
using namespace std::chrono_literals;

TEST_CASE("an unpark before the park is not lost") {
    parker p;
    p.unpark();
    p.park();
    SUCCEED("park returned");
}

TEST_CASE("many unparks make one token") {
    parker p;
    p.unpark();
    p.unpark();
    p.park();
    CHECK_FALSE(p.park_until(std::chrono::steady_clock::now()));
}

TEST_CASE("park_until gives up at its deadline, not before it") {
    parker p;
    auto const deadline = std::chrono::steady_clock::now() + 5ms;
    CHECK_FALSE(p.park_until(deadline));
    CHECK(std::chrono::steady_clock::now() >= deadline);
}

TEST_CASE("park_until with a deadline in the past looks for the token once") {
    parker p;
    CHECK_FALSE(p.park_until(parker::time_point{}));
    CHECK_FALSE(p.park_until((parker::time_point::min)()));
    p.unpark();
    CHECK(p.park_until((parker::time_point::min)()));
}

TEST_CASE("park_until without an end waits for the token") {
    parker p;
    std::thread other{[&] { p.unpark(); }};
    CHECK(p.park_until((parker::time_point::max)()));
    other.join();
}

TEST_CASE("what was written before unpark is seen after park") {
    parker ping;
    parker pong;
    int value = 0; // plain: the parkers alone order the accesses
    constexpr int rounds = 5000;
    std::thread other{[&] {
        for (int i = 0; i < rounds; ++i) {
            ping.park();
            ++value;
            pong.unpark();
        }
    }};
    for (int i = 0; i < rounds; ++i) {
        ++value;
        ping.unpark();
        if (i % 2 == 0) {
            pong.park();
        } else {
            while (!pong.park_until(std::chrono::steady_clock::now() + 50us)) {
            }
        }
    }
    other.join();
    CHECK(value == 2 * rounds);
}

TEST_CASE("a storm of unparks never leaves the parked thread behind") {
    parker p;
    std::atomic<int> sent{0};
    constexpr int each = 5000;
    auto const storm = [&] {
        for (int i = 0; i < each; ++i) {
            sent.fetch_add(1);
            p.unpark();
        }
    };
    std::thread a{storm};
    std::thread b{storm};
    while (sent.load() < 2 * each) {
        p.park();
    }
    a.join();
    b.join();
    CHECK(sent.load() == 2 * each);
}

TEST_CASE("the parked thread may destroy the parker as soon as it goes on") {
    for (int i = 0; i < 1000; ++i) {
        auto p = std::make_unique<parker>();
        std::thread other{[raw = p.get()] { raw->unpark(); }};
        p->park();
        p.reset();
        other.join();
    }
    SUCCEED("no access after the token");
}
