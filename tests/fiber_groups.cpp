// Owned groups of running fibers: a slot in which the latest wins, a map of such slots, a set.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber_map.hpp>
#include <coir/fiber_set.hpp>
#include <coir/fiber_slot.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/counted.hpp"
#include "support/interrupt_everywhere.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::fiber;
using coir::fiber_map;
using coir::fiber_set;
using coir::fiber_slot;
using coir::scope;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;
using coir_test::counting_scheduler;
using coir_test::failed;
using coir_test::fails_after;
using coir_test::ledger;
using coir_test::never_ends;
using coir_test::note;
using coir_test::steps;

namespace {

// Cannot be interrupted for a while.
task<> masked(steps& log, std::chrono::milliseconds d, std::string what) {
    log.push_back(what + " starts");
    co_await coir::uninterruptible(note(log, d, what + " is over"));
}

task<> waits(steps& log, std::string what) {
    log.push_back(what + " starts");
    auto finalizer = [&log, what] { return note(log, 0ms, what + " ends"); };
    co_await coir::ensuring(never_ends(), std::ref(finalizer));
}

task<> dies_after(std::chrono::milliseconds d) {
    co_await coir::sleep_for(d);
    throw std::runtime_error{"died"};
}

// Runs a body in a scope on virtual time.
template <class E = coir::never, class Body>
auto in_scope(Body body, test_scheduler&& s = {}) {
    return s.run([&]() -> task<void, E> { co_await coir::with_scope<E>(body); });
}

} // namespace

TEST_CASE("in a slot the latest wins, and the one before is interrupted [F27]") {
    steps log;
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_slot slot{s};
        CHECK(slot.is_empty());
        auto const a = slot.run(waits, std::ref(log), "a");
        co_await coir::yield();
        auto const b = slot.run(waits, std::ref(log), "b");
        CHECK(slot.get().id() == b.id());
        CHECK(slot.size() == 1);
        CHECK((co_await a.await()).is_interrupted());
        CHECK(b.poll() == nullptr);
        co_await slot.clear();
        CHECK(b.poll()->is_interrupted());
        CHECK_FALSE(slot.get());
        CHECK(slot.is_empty());
    });
    CHECK(end.is_success());
    CHECK(log == steps{"a starts", "a ends", "b starts", "b ends"});
}

TEST_CASE("if only what is missing is to run, what runs is kept and the new work never starts [F27]") {
    steps log;
    auto const end = in_scope([&](scope<>& s) -> task<> {
        coir::replace_options const missing{.only_if_missing = true};
        fiber_slot slot{s};
        auto const a = slot.run(missing, note, std::ref(log), 1ms, "a");
        auto const b = slot.run(missing, note, std::ref(log), 1ms, "b");
        REQUIRE(b.poll() != nullptr);
        CHECK(b.poll()->is_interrupted());
        CHECK(slot.get().id() == a.id());
        co_await a;
        co_await slot.run(missing, note, std::ref(log), 1ms, "c");

        fiber_map<int> map{s};
        auto const d = map.run(1, missing, note, std::ref(log), 1ms, "d");
        CHECK(map.run(1, missing, note, std::ref(log), 1ms, "e").poll()->is_interrupted());
        map.run(2, {.only_if_missing = true}, note, std::ref(log), 2ms, "f");
        CHECK(map.find(1).id() == d.id());
        co_await map.join();
        CHECK(map.is_empty());
    });
    CHECK(end.is_success());
    CHECK(log == steps{"a", "c", "d", "f"});
}

TEST_CASE("work that waits for the one before never runs beside it, and is skipped if it is replaced itself [F27]") {
    steps log;
    auto const end = in_scope([&](scope<>& s) -> task<> {
        coir::replace_options const in_turn{.after_previous = true};
        fiber_slot slot{s};
        slot.run(in_turn, masked, std::ref(log), 5ms, "a");
        co_await coir::yield();
        auto const b = slot.run(in_turn, waits, std::ref(log), "b");
        auto const c = slot.run(in_turn, note, std::ref(log), 1ms, "c");
        CHECK(slot.get().id() == c.id());
        co_await coir::sleep_for(1ms);
        CHECK(b.poll() == nullptr); // it ends in its turn
        co_await c;
        CHECK(b.poll()->is_interrupted());
        co_await slot.run(in_turn, note, std::ref(log), 1ms, "d");
    });
    CHECK(end.is_success());
    CHECK(log == steps{"a starts", "a is over", "c", "d"});
}

TEST_CASE("work that waits its turn ends with the scope and with the group") {
    for (bool const closed : {true, false}) {
        steps log;
        auto const end = in_scope<failed>([&](scope<failed>& s) -> task<void, failed> {
            fiber_map<int> map{s};
            map.run(1, masked, std::ref(log), 5ms, "a");
            co_await coir::yield();
            auto const b = map.run(1, {.after_previous = true}, waits, std::ref(log), "b");
            if (closed) {
                co_await map.close();
                CHECK(b.poll()->is_interrupted());
            } else {
                co_await coir::fail(failed{1});
            }
        });
        CHECK(end.is_success() == closed);
        CHECK(log == steps{"a starts", "a is over"});
    }
}

TEST_CASE("clearing a slot waits for what it took out, and leaves alone what comes meanwhile [F28]") {
    steps log;
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_slot slot{s};
        auto const a = slot.run(masked, std::ref(log), 5ms, "a");
        co_await coir::yield();
        auto const clearing = coir::fork([&]() -> task<> {
            co_await slot.clear();
            log.push_back("cleared");
        });
        co_await coir::sleep_for(1ms);
        CHECK(slot.is_empty());
        auto const b = slot.run(note, std::ref(log), 10ms, "b");
        co_await clearing;
        CHECK(a.poll()->is_interrupted());
        CHECK(b.poll() == nullptr);
        CHECK(slot.get().id() == b.id());
        co_await b;
    });
    CHECK(end.is_success());
    CHECK(log == steps{"a starts", "a is over", "cleared", "b"});
}

TEST_CASE("so do removing a key, clearing a map and clearing a set [F28]") {
    for (int how = 0; how < 3; ++how) {
        steps log;
        auto const end = in_scope([&](scope<>& s) -> task<> {
            fiber_map<std::string> map{s};
            fiber_set set{s};
            auto const start = [&](auto work, std::chrono::milliseconds d, char const* what) {
                return how == 2 ? set.run(work, std::ref(log), d, what) : map.run("key", work, std::ref(log), d, what);
            };
            auto const clear = [&]() -> task<> {
                if (how == 0) {
                    bool const removed = co_await map.remove("key");
                    CHECK(removed);
                } else if (how == 1) {
                    co_await map.clear();
                } else {
                    co_await set.clear();
                }
                log.push_back("cleared");
            };
            start(masked, 5ms, "a");
            co_await coir::yield();
            auto const clearing = coir::fork(clear);
            co_await coir::sleep_for(1ms);
            CHECK(map.size() + set.size() == 0);
            auto const b = start(note, 10ms, "b");
            co_await clearing;
            CHECK(map.size() + set.size() == 1);
            co_await b;
            CHECK(map.size() + set.size() == 0);
        });
        CHECK(end.is_success());
        CHECK(log == steps{"a starts", "a is over", "cleared", "b"});
    }
}

TEST_CASE("a fiber that ends late takes its own entry with it, not that of its successor [F29, A9, P1]") {
    auto const end = in_scope([&](scope<>& s) -> task<> {
        steps log;
        fiber_slot slot{s};
        fiber_map<int> map{s};
        auto const old = slot.run(masked, std::ref(log), 5ms, "old");
        auto const old_of_key = map.run(1, masked, std::ref(log), 5ms, "old");
        map.run(2, masked, std::ref(log), 5ms, "other");
        co_await coir::yield();
        auto const latest = slot.run(never_ends);
        auto const latest_of_key = map.run(1, never_ends);
        CHECK(map.size() == 2);
        co_await old.await();
        co_await old_of_key.await();
        CHECK(slot.get().id() == latest.id());
        CHECK(map.find(1).id() == latest_of_key.id());
        co_await coir::sleep_for(1ms);
        CHECK_FALSE(map.contains(2));
        CHECK(map.size() == 1);
        co_await slot.close();
        co_await map.close();
    });
    CHECK(end.is_success());
}

TEST_CASE("the entry is gone when the end is seen, and the end is there when nobody runs any more [F29]") {
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_map<int, int> map{s};
        auto const value = [](int n) -> task<int> { co_return n; };
        auto const a = map.run(1, value, 5);
        CHECK(co_await a == 5);
        CHECK_FALSE(map.contains(1));
        auto const b = map.run(1, value, 6);
        co_await map.await_empty();
        CHECK(b.poll()->value() == 6);
    });
    CHECK(end.is_success());
}

TEST_CASE("joining gives the first failure at once, every time, and does not count interruptions [F30]") {
    counting_scheduler s;
    auto const body = [&](scope<>& in) -> task<> {
        fiber_set<void, failed> set{in};
        auto const ended = set.run(never_ends);
        set.run(fails_after, 3ms, 1);
        set.run(fails_after, 5ms, 2);
        auto const slow = set.run(never_ends);
        co_await coir::yield();
        ended.request_interrupt();
        CHECK((co_await coir::as_result(set.join())).error().code == 1);
        CHECK(s.elapsed() == 3ms);
        CHECK(slow.poll() == nullptr);
        co_await coir::sleep_for(3ms);
        CHECK(s.unhandled == 1); // of the second, which nobody can see
        CHECK((co_await coir::as_result(set.join())).error().code == 1);
        CHECK(set.size() == 1);
        co_await set.clear();
        CHECK((co_await coir::as_result(set.join())).error().code == 1);
    };
    CHECK(s.run([&]() -> task<> { co_await coir::with_scope(body); }).is_success());
    CHECK(s.unhandled == 1);
}

TEST_CASE("joining waits until all have ended, those that were replaced too [F30]") {
    steps log;
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_slot<> slot{s};
        co_await slot.join();
        slot.run(masked, std::ref(log), 5ms, "a");
        co_await coir::yield();
        slot.run(note, std::ref(log), 1ms, "b");
        co_await slot.join();
        log.push_back("joined");
        fiber_map<int> map{s};
        map.run(1, masked, std::ref(log), 5ms, "c");
        co_await coir::yield();
        map.run(1, note, std::ref(log), 1ms, "d");
        co_await map.await_empty();
        log.push_back("empty");
    });
    CHECK(end.is_success());
    CHECK(log == steps{"a starts", "b", "a is over", "joined", "c starts", "d", "c is over", "empty"});
}

TEST_CASE("an exception of a member is the end of joining too, and a failure may come before the join [F30]") {
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_set<> set{s};
        set.run(dies_after, 1ms);
        auto const joined = co_await coir::as_outcome(set.join());
        CHECK(joined.is_defect());
        CHECK_THROWS_AS(joined.value(), std::runtime_error);
        bool caught = false;
        try {
            co_await set.join();
        } catch (std::runtime_error const&) {
            caught = true;
        }
        CHECK(caught);
        fiber_slot<void, failed> slot{s};
        co_await slot.run(fails_after, 0ms, 3).await();
        slot.run(never_ends);
        CHECK((co_await coir::as_result(slot.join())).error().code == 3);
        co_await slot.clear();
    });
    CHECK(end.is_success());
}

TEST_CASE("a failure is nobody's end but of who joins, and is reported once if nobody looks [F31]") {
    for (int how = 0; how < 3; ++how) {
        counting_scheduler s;
        auto const body = [&](scope<>& in) -> task<> {
            fiber_set<void, failed> set{in};
            auto const f = set.run(fails_after, 1ms, 1);
            set.run(fails_after, 2ms, 2);
            co_await coir::sleep_for(3ms);
            CHECK(s.unhandled == 1); // the second; the first may still be joined
            if (how == 1) {
                static_cast<void>(co_await coir::as_result(set.join()));
            } else if (how == 2) {
                CHECK(f.poll()->error().code == 1);
            }
        };
        CHECK(s.run([&]() -> task<> { co_await coir::with_scope(body); }).is_success());
        CHECK(s.unhandled == (how == 0 ? 2 : 1));
    }
}

TEST_CASE("a group that goes interrupts its fibers, and the scope waits for them [F8]") {
    for (bool const fails : {false, true}) {
        steps log;
        auto const end = in_scope<failed>([&](scope<failed>& s) -> task<void, failed> {
            fiber_slot slot{s};
            fiber_map<int> map{s};
            fiber_set set{s};
            slot.run(masked, std::ref(log), 5ms, "a");
            map.run(1, waits, std::ref(log), "b");
            set.run(waits, std::ref(log), "c");
            co_await coir::sleep_for(1ms);
            if (fails) {
                co_await coir::fail(failed{1});
            }
        });
        CHECK(end.is_success() == !fails);
        CHECK(log == steps{"a starts", "b starts", "c starts", "c ends", "b ends", "a is over"});
    }
}

TEST_CASE("an interrupted scope ends the fibers of its groups [F8]") {
    steps log;
    test_scheduler s;
    std::optional<fiber_set<>> set; // lives longer than the scope
    auto const body = [&](scope<>& in) -> task<> {
        set.emplace(in);
        set->run(waits, std::ref(log), "a");
        co_return;
    };
    auto const f = s.start([&]() -> task<> { co_await coir::with_scope(body); });
    s.advance(1ms);
    CHECK(f.poll() == nullptr); // at the normal end nobody is interrupted
    f.request_interrupt();
    s.advance(1ms);
    CHECK(f.poll()->is_interrupted());
    CHECK(log == steps{"a starts", "a ends"});
    CHECK(set->is_closed());
    CHECK(set->run(waits, std::ref(log), "b").poll()->is_interrupted());
}

TEST_CASE("in a closed group work ends interrupted without starting [F9]") {
    bool ran = false;
    auto const would_run = [&]() -> task<> {
        ran = true;
        co_return;
    };
    std::optional<fiber_slot<>> outlives;
    auto const end = in_scope([&](scope<>& s) -> task<> {
        outlives.emplace(s);
        fiber_map<int> map{s};
        fiber_set set{s};
        CHECK_FALSE(map.is_closed());
        co_await map.close();
        co_await set.close();
        CHECK(map.is_closed());
        CHECK((co_await map.run(1, would_run).await()).is_interrupted());
        CHECK(set.run(would_run).poll()->is_interrupted());
        CHECK(map.size() + set.size() == 0);
        CHECK_FALSE(outlives->is_closed());
    });
    CHECK(end.is_success());
    CHECK(outlives->is_closed());
    CHECK(outlives->run(would_run).poll()->is_interrupted());
    CHECK_FALSE(ran);
}

TEST_CASE("a fiber that was started by a member as a daemon is not the group's [F7]") {
    steps log;
    test_scheduler s;
    auto const body = [&](scope<>& in) -> task<> {
        fiber_set set{in};
        set.run([&]() -> task<> {
            coir::fork_daemon(note, std::ref(log), 5ms, "daemon");
            co_await never_ends();
        });
        co_await coir::sleep_for(1ms);
        co_await set.clear();
        log.push_back("cleared");
    };
    auto const f = s.start([&]() -> task<> { co_await coir::with_scope(body); });
    s.advance(1h);
    CHECK(f.poll()->is_success());
    CHECK(log == steps{"cleared", "daemon"});
}

TEST_CASE("a group holds nothing of a fiber that has ended [F10]") {
    counted::reset();
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_map<int, counted> map{s};
        fiber_set<counted> set{s};
        for (int i = 0; i < 100; ++i) {
            auto work = [c = counted{i}]() -> task<counted> { co_return counted{c.value}; };
            map.run(i, work);
            set.run(std::move(work));
        }
        CHECK(map.size() + set.size() == 200);
        co_await map.join();
        co_await set.join();
        CHECK(counted::alive() == 0);
        CHECK(map.size() + set.size() == 0);
        CHECK(s.size() == 0);
    });
    CHECK(end.is_success());
}

TEST_CASE("a member may replace itself, clear its group, and end with it [F11]") {
    steps log;
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_slot slot{s};
        auto const next = [&]() -> task<> {
            co_await slot.clear();
            log.push_back("not reached");
        };
        slot.run([&]() -> task<> {
            slot.run(next);
            log.push_back("still here");
            co_await coir::yield();
            log.push_back("not reached");
        });
        co_await slot.join();
        fiber_map<int> map{s};
        map.run(1, [&]() -> task<> { co_await map.remove(1); });
        co_await map.join();
    });
    CHECK(end.is_success());
    CHECK(log == steps{"still here"});
}

TEST_CASE("who gives up clearing has cleared, and waits no longer") {
    auto const end = in_scope([&](scope<>& s) -> task<> {
        steps log;
        fiber_slot slot{s};
        slot.run(masked, std::ref(log), 5ms, "a");
        co_await coir::yield();
        bool const in_time = co_await coir::timeout(slot.clear(), 1ms);
        CHECK_FALSE(in_time);
        CHECK(slot.is_empty());
        auto const b = slot.run(never_ends);
        bool const became_empty = co_await coir::timeout(slot.await_empty(), 1ms);
        CHECK_FALSE(became_empty);
        CHECK(slot.get().id() == b.id());
        CHECK(b.poll() == nullptr);
        bool const joined = co_await coir::timeout(slot.join(), 1ms);
        CHECK_FALSE(joined);
        co_await slot.close();
        CHECK(log.size() == 2);
    });
    CHECK(end.is_success());
}

TEST_CASE("waiting for a group beside something else needs no fiber of its own") {
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_set set{s};
        fiber_slot<int> slot{s};
        set.run(never_ends);
        slot.run([]() -> task<int> { co_return 1; });
        co_await coir::when_any(set.join(), slot.join());
        CHECK(slot.is_empty());
        CHECK(set.size() == 1);
        co_await coir::when_all(set.clear(), slot.await_empty(), set.await_empty());
        CHECK(set.is_empty());
    });
    CHECK(end.is_success());
}

TEST_CASE("asking a group to end waits for nothing, and what comes later is left alone") {
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_set set{s};
        auto const a = set.run(never_ends);
        co_await coir::yield();
        set.request_interrupt();
        auto const b = set.run(never_ends);
        CHECK(a.poll() == nullptr);
        co_await coir::sleep_for(1ms);
        CHECK(a.poll()->is_interrupted());
        CHECK(b.poll() == nullptr);
        CHECK(set.size() == 1);
        co_await set.clear();
    });
    CHECK(end.is_success());
}

TEST_CASE("a map finds, removes and lists its fibers by key") {
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_map<std::string, int> map{s};
        CHECK_FALSE(map.find("a"));
        bool const none_yet = co_await map.remove("a");
        CHECK_FALSE(none_yet);
        auto const work = []() -> task<int> {
            co_await never_ends();
            co_return 1;
        };
        auto const a = map.run("a", work);
        map.run(std::string{"b"}, coir::replace_options{.name = "bee"}, work);
        CHECK(map.find("a").id() == a.id());
        CHECK(map.find("b").name() == "bee");
        CHECK(map.keys() == std::vector<std::string>{"a", "b"});
        CHECK(map.fibers().size() == 2);
        bool const removed = co_await map.remove("a");
        CHECK(removed);
        CHECK(a.poll()->is_interrupted());
        CHECK_FALSE(map.contains("a"));
        CHECK(map.keys() == std::vector<std::string>{"b"});
        co_await coir::interrupt_all(map.fibers());
        CHECK(map.is_empty());
    });
    CHECK(end.is_success());
}

namespace {

struct few_hashes {
    std::size_t operator()(int n) const noexcept { return static_cast<std::size_t>(n % 3); }
};

} // namespace

TEMPLATE_TEST_CASE("a map holds many keys, with a good hash and with a bad one", "", std::hash<int>, few_hashes) {
    constexpr int many = 300;
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_map<int, void, coir::never, TestType> map{s};
        std::vector<fiber<>> latest(many);
        for (int round = 0; round < 2; ++round) {
            for (int i = 0; i < many; ++i) {
                latest[static_cast<std::size_t>(i)] = map.run(i, never_ends);
            }
        }
        CHECK(map.size() == many);
        int wrong = 0;
        for (int i = 0; i < many; ++i) {
            wrong += map.find(i).id() != latest[static_cast<std::size_t>(i)].id();
        }
        CHECK(wrong == 0);
        for (int i = 0; i < many; i += 2) {
            wrong += !co_await map.remove(i);
        }
        for (int i = 0; i < many; ++i) {
            wrong += map.contains(i) != (i % 2 == 1);
        }
        CHECK(wrong == 0);
        CHECK(map.size() == many / 2);
        co_await map.clear();
        CHECK_FALSE(map.contains(1));
    });
    CHECK(end.is_success());
}

TEST_CASE("if comparing keys throws, nothing has changed and nothing has started") {
    struct throwing_equal {
        bool* armed;
        bool operator()(int a, int b) const {
            if (*armed) {
                throw std::runtime_error{"equal"};
            }
            return a == b;
        }
    };
    counted::reset();
    bool armed = false;
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_map<int, void, coir::never, std::hash<int>, throwing_equal> map{s, {}, throwing_equal{&armed}};
        auto const a = map.run(1, never_ends);
        armed = true;
        auto other = [c = counted{1}]() -> task<> { co_return; };
        CHECK_THROWS_AS(map.run(1, std::move(other)), std::runtime_error);
        CHECK_THROWS_AS(map.find(1), std::runtime_error);
        CHECK((co_await coir::as_outcome(map.remove(1))).is_defect());
        armed = false;
        CHECK(map.find(1).id() == a.id());
        CHECK(map.size() == 1);
        CHECK(s.size() == 1);
        bool const removed = co_await map.remove(1);
        CHECK(removed);
    });
    CHECK(end.is_success());
    CHECK(counted::alive() == 0);
}

TEST_CASE("what work gives and how it fails is converted to what the group's fibers do") {
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_set<long, coir::errors<failed, std::string>> set{s};
        auto const seven = [](std::unique_ptr<int> p) -> task<int> { co_return *p; };
        fiber<long, coir::errors<failed, std::string>> const a = set.run(seven, std::make_unique<int>(7));
        CHECK((co_await a.await()).value() == 7);
        CHECK(std::get<failed>((co_await set.run(fails_after(1ms, 4)).await()).error()).code == 4);
        CHECK(std::get<failed>((co_await coir::as_result(set.join())).error()).code == 4);
        fiber_slot slot{s};
        fiber<> const b = slot.run(seven, std::make_unique<int>(8));
        co_await b;
        auto const throws = []() -> task<> { throw std::logic_error{"no task"}; };
        CHECK((co_await slot.run(throws).await()).is_defect());
    });
    CHECK(end.is_success());
}

TEST_CASE("the callable and the arguments of a member live as long as it runs, and are destroyed once") {
    counted::reset();
    auto const end = in_scope([&](scope<>& s) -> task<> {
        fiber_slot<int> slot{s};
        auto work = [c = counted{2}](counted d) -> task<int> {
            co_await coir::sleep_for(1ms);
            co_return c.value + d.value;
        };
        counted const argument{3};
        auto const f = slot.run(coir::moved(work), argument);
        CHECK(co_await f == 5);
    });
    CHECK(end.is_success());
    CHECK(counted::alive() == 0);
}

TEST_CASE("members inherit the mask of nobody, and run on the scheduler of the scope, whoever starts them") {
    coir::thread_pool pool{2};
    coir::thread_pool other{1};
    auto const here = []() -> task<coir::scheduler*> { co_return coir::detail::this_worker().current; };
    auto const body = [&](scope<>& s) -> task<> {
        fiber_set<coir::scheduler*> set{s};
        std::optional<fiber<coir::scheduler*>> from_thread;
        std::thread{[&] { from_thread = set.run(here); }}.join();
        CHECK(co_await *from_thread == &pool);
        auto const from_elsewhere = [&]() -> task<coir::scheduler*> { co_return co_await set.run(here); };
        CHECK(co_await other.spawn(from_elsewhere) == &pool);
    };
    CHECK(pool.run([&]() -> task<> { co_await coir::with_scope(body); }).is_success());
}

TEST_CASE("a set starts its fibers as the options say: here, with a name, with the mask of the caller [F13][F15]") {
    steps log;
    auto body = [&](scope<>& s) -> task<> {
        fiber_set<> set{s};
        auto const here = set.run({.name = "first", .start = coir::fork_start::here}, note, std::ref(log), 0ms, "here");
        CHECK(here.name() == "first");
        CHECK(log == steps{"here"});
        auto const start_masked = [&]() -> task<> {
            set.run({.inherit_mask = true}, note, std::ref(log), 2ms, "masked");
            co_return;
        };
        co_await coir::uninterruptible(start_masked());
        set.run(note, std::ref(log), 2ms, "interrupted");
        co_await coir::sleep_for(1ms);
        co_await set.clear();
    };
    auto const root = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(root).is_success());
    CHECK(log == steps{"here", "masked"});
}

TEST_CASE("interrupted everywhere: a slot whose work is replaced, cleared and joined [I1, F27, F28]") {
    CHECK(coir_test::interrupt_everywhere([](ledger& books) -> task<> {
              auto const work = [](ledger& b, std::chrono::milliseconds d) -> task<> {
                  ledger::local const here{b};
                  co_await b.guarded(coir::sleep_for(d));
              };
              auto body = [&](scope<>& s) -> task<> {
                  fiber_slot slot{s};
                  slot.run(work, std::ref(books), 1h);
                  co_await coir::yield();
                  slot.run({.after_previous = true}, work, std::ref(books), 1h);
                  co_await coir::sleep_for(2ms);
                  slot.run({.after_previous = true}, work, std::ref(books), 1h);
                  slot.run(work, std::ref(books), 2ms);
                  co_await books.guarded(slot.join());
                  slot.run(work, std::ref(books), 1h);
                  co_await coir::sleep_for(1ms);
                  co_await books.guarded(slot.clear());
                  CHECK(slot.is_empty());
                  slot.run(work, std::ref(books), 1ms);
                  co_await coir::uninterruptible(slot.await_empty());
              };
              co_await coir::with_scope(body);
              co_await coir::timeout(coir::with_scope(body), 3ms);
          }) > 20);
}

TEST_CASE("interrupted everywhere: a map and a set, removed from, cleared, closed and joined [I1, F28, F30]") {
    CHECK(coir_test::interrupt_everywhere([](ledger& books) -> task<> {
              auto const work = [](ledger& b, std::chrono::milliseconds d) -> task<> {
                  ledger::local const here{b};
                  co_await b.guarded(coir::sleep_for(d));
              };
              auto const failing = [](ledger& b) -> task<void, failed> {
                  ledger::local const here{b};
                  co_await coir::sleep_for(1ms);
                  co_await coir::fail(failed{1});
              };
              auto body = [&](scope<>& s) -> task<> {
                  fiber_map<int> map{s};
                  fiber_set<void, failed> set{s};
                  map.run(1, work, std::ref(books), 1h);
                  map.run(2, work, std::ref(books), 1h);
                  set.run(failing, std::ref(books)).poll(); // looked at, so it need not be joined
                  set.run(work, std::ref(books), 1h);
                  co_await coir::yield();
                  co_await books.guarded(map.remove(1));
                  static_cast<void>(co_await coir::as_result(set.join()));
                  co_await books.guarded(set.close());
                  map.run(2, work, std::ref(books), 1ms);
                  co_await books.guarded(map.await_empty());
                  map.run(3, work, std::ref(books), 1h);
                  map.request_interrupt();
                  co_await map.clear();
              };
              co_await coir::with_scope(body);
          }) > 20);
}
