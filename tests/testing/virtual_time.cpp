#include <coir/deferred.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using coir::fork;
using coir::sleep_for;
using coir::task;
using coir::test_scheduler;
using namespace std::chrono_literals;

namespace {

// What happened, and when.
class diary {
public:
    explicit diary(test_scheduler& s) : s_{s} {}
    void note(std::string const& what) {
        auto const hours = std::chrono::duration_cast<std::chrono::hours>(s_.elapsed()).count();
        lines.push_back(std::to_string(hours) + "h " + what);
    }
    std::vector<std::string> lines;

private:
    test_scheduler& s_;
};

using lines = std::vector<std::string>;

task<> sleep_and_note(diary& d, std::chrono::hours time, std::string what) {
    co_await sleep_for(time);
    d.note(what);
}

task<> note_every_hour(diary& d) {
    for (;;) {
        co_await sleep_for(1h);
        d.note("tick");
    }
}

} // namespace

TEST_CASE("a sleeper wakes when time has been advanced far enough [K1]") {
    test_scheduler s;
    auto sleeper = s.start([]() -> task<> { co_await sleep_for(10h); });
    s.advance(9h);
    CHECK(sleeper.poll() == nullptr);
    s.advance(1h);
    REQUIRE(sleeper.poll() != nullptr);
    CHECK(sleeper.poll()->is_success());
}

TEST_CASE("each sleeper sees its own deadline as the time [K2]") {
    test_scheduler s;
    diary d{s};
    auto late = s.start(sleep_and_note, std::ref(d), 3h, "late");
    auto early = s.start(sleep_and_note, std::ref(d), 1h, "early");
    s.advance(4h);
    CHECK(d.lines == lines{"1h early", "3h late"});
    CHECK(s.elapsed() == 4h);
}

TEST_CASE("who sleeps again on waking wakes again within the same advance [K3]") {
    test_scheduler s;
    diary d{s};
    auto ticking = s.start(note_every_hour, std::ref(d));
    s.advance(3h);
    CHECK(d.lines == lines{"1h tick", "2h tick", "3h tick"});
}

TEST_CASE("equal deadlines expire in the order of arming [K4]") {
    test_scheduler s;
    diary d{s};
    for (char const* name : {"a", "b", "c", "d", "e"}) {
        s.start(sleep_and_note, std::ref(d), 2h, name);
    }
    s.advance(2h);
    CHECK(d.lines == lines{"2h a", "2h b", "2h c", "2h d", "2h e"});
}

TEST_CASE("equal deadlines reached from different moments expire in the order of arming [K4]") {
    test_scheduler s;
    diary d{s};
    s.start([&]() -> task<> {
        co_await sleep_for(1h);
        co_await sleep_for(1h);
        d.note("armed at 1h");
    });
    s.start(sleep_and_note, std::ref(d), 2h, "armed at 0h");
    s.advance(2h);
    CHECK(d.lines == lines{"2h armed at 0h", "2h armed at 1h"});
}

TEST_CASE("a deadline exactly at the new time is reached [K5]") {
    test_scheduler s;
    auto sleeper = s.start([]() -> task<> { co_await sleep_for(1h); });
    s.advance(1h - 1ns);
    CHECK(sleeper.poll() == nullptr);
    s.advance(1ns);
    CHECK(sleeper.poll() != nullptr);
}

TEST_CASE("sleeping for nothing or less does not wait for the clock [K6]") {
    test_scheduler s;
    auto sleeper = s.start([]() -> task<> {
        co_await sleep_for(0s);
        co_await sleep_for(-1h);
        co_await coir::sleep_until(coir::now());
    });
    s.run_ready();
    CHECK(sleeper.poll() != nullptr);
    CHECK(s.elapsed() == 0s);
}

TEST_CASE("an interrupted sleep never fires and holds no run up [K7]") {
    test_scheduler s;
    diary d{s};
    auto const end = s.run([&]() -> task<> {
        auto sleeper = fork(sleep_and_note, std::ref(d), 10h, "woke");
        co_await sleep_for(1h);
        auto const& outcome = co_await sleeper.interrupt();
        d.note(outcome.is_interrupted() ? "interrupted" : "not interrupted");
    });
    CHECK(end.is_success());
    CHECK(d.lines == lines{"1h interrupted"});
    s.advance(100h);
    CHECK(d.lines.size() == 1);
}

TEST_CASE("setting the system clock back moves no steady clock and no deadline [K8]") {
    test_scheduler s;
    auto const wall = s.system_now();
    auto const steady = s.now();
    auto sleeper = s.start([]() -> task<> { co_await sleep_for(2h); });
    s.advance(1h);
    CHECK(s.system_now() == wall + 1h);
    s.set_system_time(wall - 24h);
    CHECK(s.system_now() == wall - 24h);
    CHECK(s.now() == steady + 1h);
    s.advance(1h);
    CHECK(sleeper.poll() != nullptr);
    CHECK(s.system_now() == wall - 23h);
}

TEST_CASE("fibers see the virtual clocks, which start the same in every run [K8]") {
    auto const read = [](test_scheduler& s) {
        return s.run(
            []() -> task<std::pair<std::chrono::steady_clock::time_point, std::chrono::system_clock::time_point>> {
                co_await sleep_for(5s);
                co_return std::pair{coir::now(), coir::system_now()};
            });
    };
    test_scheduler a;
    test_scheduler b{7};
    CHECK(read(a).value() == read(b).value());
    CHECK(a.now() == coir::virtual_clock::start + 5s);
}

TEST_CASE("in run() the driving fiber may itself sleep on the clock: time advances by itself [K10]") {
    test_scheduler s;
    diary d{s};
    auto const end = s.run([&]() -> task<> {
        auto child = fork(sleep_and_note, std::ref(d), 3h, "child");
        co_await sleep_for(1h);
        d.note("root");
        co_await child;
    });
    CHECK(end.is_success());
    CHECK(d.lines == lines{"1h root", "3h child"});
    CHECK(s.elapsed() == 3h);
}

TEST_CASE("what was started by hand stands still until time is advanced by hand [K10]") {
    test_scheduler s;
    auto sleeper = s.start([]() -> task<> { co_await sleep_for(1ns); });
    s.run_ready();
    s.run_ready();
    CHECK(sleeper.poll() == nullptr);
    CHECK(s.elapsed() == 0s);
}

TEST_CASE("a fiber cannot drive the scheduler that runs it [K10]") {
    test_scheduler s;
    auto const end = s.run([&]() -> task<> {
        s.advance(1h);
        co_return;
    });
    REQUIRE(end.is_defect());
    CHECK_THROWS_AS(end.value(), coir::would_deadlock);
}

TEST_CASE("two fibers that sleep move time one deadline after the other [K11]") {
    test_scheduler s;
    diary d{s};
    auto const hours_of = [&](char const* name) -> task<> {
        for (int i = 0; i < 2; ++i) {
            co_await sleep_for(2h);
            d.note(name);
        }
    };
    auto const end = s.run([&]() -> task<> {
        auto a = fork(hours_of, "a");
        co_await sleep_for(1h);
        auto b = fork(hours_of, "b");
        co_await a;
        co_await b;
    });
    CHECK(end.is_success());
    CHECK(d.lines == lines{"2h a", "3h b", "4h a", "5h b"});
}

TEST_CASE("advances from two threads are serialised [K11]") {
    test_scheduler s;
    diary d{s};
    auto ticking = s.start(note_every_hour, std::ref(d));
    auto const advance = [&] {
        for (int i = 0; i < 50; ++i) {
            s.advance(1h);
        }
    };
    std::thread other{advance};
    advance();
    other.join();
    CHECK(s.elapsed() == 100h);
    REQUIRE(d.lines.size() == 100);
    for (std::size_t i = 0; i < d.lines.size(); ++i) {
        CHECK(d.lines[i] == std::to_string(i + 1) + "h tick");
    }
}

TEST_CASE("a year of virtual time takes no time of ours [K12]") {
    test_scheduler s;
    int ticks = 0;
    auto const end = s.run([&]() -> task<> {
        for (; ticks < 365 * 24; ++ticks) {
            co_await sleep_for(1h);
        }
    });
    CHECK(end.is_success());
    CHECK(s.elapsed() == 365 * 24h);
}

TEST_CASE("time does not go backwards, and saturates [K1]") {
    test_scheduler s;
    CHECK_THROWS_AS(s.advance(-1ns), std::invalid_argument);
    s.advance((std::chrono::hours::max)());
    CHECK(s.now() == (test_scheduler::time_point::max)());
    s.advance(1h);
    CHECK(s.now() == (test_scheduler::time_point::max)());
    CHECK(s.system_now() > coir::virtual_clock::system_start);
}

TEST_CASE("what is ready is drained before time moves [K1]") {
    test_scheduler s;
    diary d{s};
    auto const end = s.run([&]() -> task<> {
        auto sleeper = fork(sleep_and_note, std::ref(d), 1h, "slept");
        for (int i = 0; i < 1000; ++i) {
            co_await coir::yield();
        }
        d.note("yielded");
        co_await sleeper;
    });
    CHECK(end.is_success());
    CHECK(d.lines == lines{"0h yielded", "1h slept"});
}

TEST_CASE("the end of the root interrupts daemons and what was started, and awaits them [K12]") {
    test_scheduler s;
    diary d{s};
    auto started = s.start(note_every_hour, std::ref(d));
    auto const end = s.run([&]() -> task<int> {
        auto daemon = coir::fork_daemon(note_every_hour, std::ref(d));
        co_await sleep_for(90min);
        co_return 7;
    });
    CHECK(end.value() == 7);
    REQUIRE(started.poll() != nullptr);
    CHECK(started.poll()->is_interrupted());
    CHECK(d.lines == lines{"1h tick", "1h tick"});
}

TEST_CASE("run_until drives by hand up to a condition [K12]") {
    test_scheduler s;
    diary d{s};
    auto ticking = s.start(note_every_hour, std::ref(d));
    s.run_until([&] { return d.lines.size() == 5; });
    CHECK(s.elapsed() == 5h);
    s.interrupt_all();
    REQUIRE(ticking.poll() != nullptr);
    CHECK(ticking.poll()->is_interrupted());
}
