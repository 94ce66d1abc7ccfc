// Scopes: nothing that is forked in one outlives it, and the first cause is its end.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::fiber;
using coir::scope;
using coir::task;
using coir::test_scheduler;
using coir_test::cleans_up;
using coir_test::counted;
using coir_test::counting_scheduler;
using coir_test::failed;
using coir_test::fails_after;
using coir_test::never_ends;
using coir_test::note;
using coir_test::steps;

namespace {} // namespace

TEST_CASE("at the normal end of the body all children are awaited and nobody is interrupted [F8]") {
    steps log;
    auto body = [&](scope<>& s) -> task<int> {
        s.fork(note, std::ref(log), 2ms, "slow");
        s.fork(note, std::ref(log), 1ms, "quick");
        s.fork([&]() -> task<> {
            co_await coir::sleep_for(1ms);
            s.fork(note, std::ref(log), 2ms, "grandchild");
        });
        CHECK(s.size() == 3);
        log.push_back("body");
        co_return 4;
    };
    auto const work = [&]() -> task<int> {
        int const v = co_await coir::with_scope(body);
        log.push_back("after");
        co_return v;
    };
    CHECK(test_scheduler{}.run(work).value() == 4);
    CHECK(log == steps{"body", "quick", "slow", "grandchild", "after"});
}

TEST_CASE("the first child that fails or dies interrupts the rest and is the end of the scope") {
    for (bool const dies : {false, true}) {
        steps log;
        auto body = [&](scope<failed>& s) -> task<int, failed> {
            s.fork(cleans_up, std::ref(log), "sibling");
            if (dies) {
                s.fork([]() -> task<> {
                    co_await coir::sleep_for(1ms);
                    throw std::runtime_error("died");
                });
            } else {
                s.fork(fails_after, 1ms, 7);
            }
            s.fork(fails_after, 2ms, 8);
            co_await cleans_up(log, "body");
            co_return 4;
        };
        auto const work = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
        counting_scheduler s;
        auto const end = s.run(work);
        CHECK(end.is_defect() == dies);
        CHECK((dies || end.error().code == 7));
        CHECK(log.size() == 2);
        CHECK(s.unhandled == 0);
    }
}

TEST_CASE("a body that fails interrupts the children and is the end") {
    steps log;
    auto body = [&](scope<failed>& s) -> task<int, failed> {
        s.fork(cleans_up, std::ref(log), "child");
        co_return co_await fails_after(1ms, 3);
    };
    auto const work = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
    CHECK(test_scheduler{}.run(work).error().code == 3);
    CHECK(log == steps{"child"});
}

TEST_CASE("the first cause stays, whoever else fails while cleaning up") {
    auto body = [](scope<failed>& s) -> task<int, failed> {
        auto const child = s.fork(fails_after, 1ms, 1);
        auto const masked = [&]() -> task<int, failed> {
            static_cast<void>(co_await child.await());
            co_return co_await fails_after(1ms, 2);
        };
        co_return co_await coir::uninterruptible(masked());
    };
    auto const work = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
    CHECK(test_scheduler{}.run(work).error().code == 1);
}

TEST_CASE("a failure that decided stays, though the owner is interrupted while the rest cleans up") {
    steps log;
    test_scheduler s;
    auto body = [&](scope<failed>& in) -> task<int, failed> {
        in.fork(cleans_up, std::ref(log), "child");
        in.fork(fails_after, 1ms, 5);
        co_return 1;
    };
    auto const f = s.start([&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); });
    s.advance(2ms);
    REQUIRE(f.poll() == nullptr);
    f.request_interrupt();
    s.advance(5ms);
    CHECK(f.poll()->error().code == 5);
}

TEST_CASE("an interrupted scope interrupts and awaits its children, body or no body") {
    for (bool const body_waits : {true, false}) {
        steps log;
        test_scheduler s;
        auto body = [&](scope<>& in) -> task<> {
            in.fork(cleans_up, std::ref(log), "child");
            if (body_waits) {
                co_await never_ends();
            }
        };
        auto const f = s.start([&]() -> task<> { co_await coir::with_scope(body); });
        s.run_ready();
        f.request_interrupt();
        s.run_ready();
        CHECK(f.poll() == nullptr);
        s.advance(5ms);
        CHECK(f.poll()->is_interrupted());
        CHECK(log == steps{"child"});
    }
}

TEST_CASE("a timeout around a scope ends its children, and one around a child only that") {
    steps log;
    auto body = [&](scope<>& s) -> task<int> {
        s.fork(cleans_up, std::ref(log), "child");
        co_return 4;
    };
    auto const work = [&]() -> task<bool> {
        auto const v = co_await coir::timeout(coir::with_scope(body), 1ms);
        co_return v.has_value();
    };
    CHECK_FALSE(test_scheduler{}.run(work).value());
    CHECK(log == steps{"child"});
}

TEST_CASE("in a mask a scope awaits its children, and a failing child still ends it") {
    steps log;
    test_scheduler s;
    auto body = [&](scope<failed>& in) -> task<int, failed> {
        in.fork(note, std::ref(log), 2ms, "done");
        in.fork(fails_after, 3ms, 6);
        in.fork(cleans_up, std::ref(log), "cleaned");
        co_return 1;
    };
    auto const f = s.start(
        [&]() -> task<int, failed> { co_return co_await coir::uninterruptible(coir::with_scope<failed>(body)); });
    s.advance(1ms);
    f.request_interrupt();
    s.advance(10ms);
    CHECK(f.poll()->error().code == 6);
    CHECK(log == steps{"done", "cleaned"});
}

TEST_CASE("a child that was interrupted counts as ended, not as failed") {
    auto body = [](scope<>& s) -> task<int> {
        auto const f = s.fork(never_ends);
        s.fork(never_ends);
        co_await coir::yield();
        CHECK((co_await f.interrupt()).is_interrupted());
        s.request_interrupt();
        co_return 2;
    };
    auto const work = [&]() -> task<int> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(work).value() == 2);
}

TEST_CASE("a supervisor keeps the failures of its children to themselves") {
    counting_scheduler s;
    auto body = [&](scope<failed>& in) -> task<int, failed> {
        auto const seen = in.fork(fails_after, 1ms, 1);
        in.fork(fails_after, 2ms, 2);
        CHECK((co_await seen.await()).error().code == 1);
        co_await coir::sleep_for(2ms);
        co_return 3;
    };
    auto const work = [&]() -> task<int, failed> { co_return co_await coir::with_supervisor<failed>(body); };
    CHECK(s.run(work).value() == 3);
    CHECK(s.unhandled == 1);
}

TEST_CASE("on a scope that is being ended a child joins interrupted and never starts [F9]") {
    bool ran = false;
    std::optional<fiber<>> late;
    auto const would_run = [&]() -> task<> {
        ran = true;
        co_await never_ends();
    };
    auto const forks_late = [&](scope<failed>& s) -> task<> {
        auto fin = [&]() -> task<> {
            late = s.fork(would_run);
            co_return;
        };
        co_await coir::ensuring(never_ends(), std::ref(fin));
    };
    auto body = [&](scope<failed>& s) -> task<int, failed> {
        s.fork(forks_late, std::ref(s));
        s.fork(fails_after, 1ms, 1);
        co_await never_ends();
        co_return 0;
    };
    auto const work = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
    CHECK(test_scheduler{}.run(work).is_failure());
    CHECK_FALSE(ran);
    REQUIRE(late.has_value());
    CHECK(late->poll()->is_interrupted());
}

TEST_CASE("on a closed scope a child ends interrupted without starting [F9]") {
    bool ran = false;
    auto body = [&](scope<>& s) -> task<int> {
        s.add_finalizer([&]() -> task<> {
            auto const f = s.fork([&]() -> task<> {
                ran = true;
                co_return;
            });
            CHECK(f.poll()->is_interrupted());
            co_return;
        });
        co_return 1;
    };
    auto const work = [&]() -> task<int> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(work).value() == 1);
    CHECK_FALSE(ran);
}

TEST_CASE("a scope holds nothing of a child that has ended [F10]") {
    counted::reset();
    auto body = [](scope<>& s) -> task<> {
        for (int i = 0; i < 100; ++i) {
            s.fork([c = counted{i}]() -> task<> { co_return; });
        }
        co_await coir::yield();
        CHECK(counted::alive() == 0);
        CHECK(s.size() == 0);
    };
    auto const work = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(work).is_success());
}

TEST_CASE("the finalizers of a scope run last in first out, after its children, on every path [I23]") {
    for (int how = 0; how < 3; ++how) {
        steps log;
        test_scheduler s;
        auto body = [&](scope<failed>& in) -> task<int, failed> {
            in.add_finalizer([&] { return note(log, 1ms, "f1"); });
            in.add_finalizer([&] { return note(log, 1ms, "f2"); });
            in.fork([&, &scope_again = in]() -> task<> {
                scope_again.add_finalizer([&] { return note(log, 1ms, "f3"); });
                co_await cleans_up(log, "child");
            });
            co_await coir::sleep_for(1ms);
            if (how == 0) {
                in.request_interrupt();
            } else if (how == 1) {
                co_await coir::fail(failed{1});
            }
            co_return 1;
        };
        auto const f = s.start([&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); });
        s.advance(2ms);
        f.request_interrupt();
        s.advance(1h);
        CHECK(log == steps{"child", "f3", "f2", "f1"});
        CHECK(f.poll()->is_failure() == (how == 1));
        CHECK(f.poll()->is_interrupted() == (how != 1));
    }
}

TEST_CASE("a finalizer that throws keeps no other from running, and all is reported [I24]") {
    steps log;
    for (bool const well : {true, false}) {
        auto body = [&](scope<failed>& s) -> task<int, failed> {
            s.add_finalizer([&] { return note(log, 0ms, "last"); });
            for (int i = 0; i < 2; ++i) {
                s.add_finalizer([]() -> task<> {
                    co_await coir::yield();
                    throw std::runtime_error("finalizer");
                });
            }
            if (!well) {
                co_await coir::fail(failed{1});
            }
            co_return 1;
        };
        auto const work = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
        auto const end = test_scheduler{}.run(work);
        CHECK(end.is_defect() == well);
        CHECK(end.suppressed().size() == (well ? 1 : 2));
    }
    CHECK(log == steps{"last", "last"});
}

TEST_CASE("scopes nest, and give move-only values and references") {
    int target = 1;
    auto inner = [&](scope<>& s) -> task<int&> {
        s.fork([&]() -> task<> {
            co_await coir::sleep_for(1ms);
            ++target;
        });
        co_return target;
    };
    auto outer = [&](scope<>& s) -> task<std::unique_ptr<int>> {
        s.fork(never_ends);
        int& same = co_await coir::with_scope(inner);
        CHECK(&same == &target);
        s.request_interrupt();
        co_return std::make_unique<int>(same);
    };
    auto const work = [&]() -> task<int> {
        auto const p = co_await coir::with_scope(outer);
        co_return *p;
    };
    CHECK(test_scheduler{}.run(work).value() == 2);
}

TEST_CASE("a body that is named and moved is destroyed once") {
    counted::reset();
    auto const work = []() -> task<int> {
        auto body = [c = counted{6}](scope<>& s) -> task<int> {
            auto const f = s.fork([d = counted{1}]() -> task<int> { co_return d.value; });
            int const v = co_await f;
            co_return v + c.value;
        };
        co_return co_await coir::with_scope(coir::moved(body));
    };
    CHECK(test_scheduler{}.run(work).value() == 7);
    CHECK(counted::alive() == 0);
}

TEST_CASE("a finalizer that is added while finalizers run is the next, and children may add some while they are "
          "awaited [I23]") {
    steps log;
    auto body = [&](scope<>& s) -> task<> {
        s.add_finalizer([&] { return note(log, 0ms, "f1"); });
        s.add_finalizer([&]() -> task<> {
            s.add_finalizer([&] { return note(log, 0ms, "added by f2"); });
            co_await coir::yield();
            log.push_back("f2");
        });
        s.fork([&]() -> task<> {
            co_await coir::sleep_for(1ms); // the body has ended
            s.add_finalizer([&] { return note(log, 0ms, "of a child"); });
        });
        co_return;
    };
    auto const work = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(work).is_success());
    CHECK(log == steps{"of a child", "f2", "added by f2", "f1"});
}

TEST_CASE("finalizers need not be copyable, may be any awaitable, and are destroyed once each [I23]") {
    counted::reset();
    int ran = 0;
    auto body = [&](scope<>& s) -> task<> {
        s.add_finalizer([&ran, p = std::make_unique<counted>(3)]() -> task<> {
            ran += p->value;
            co_return;
        });
        s.add_finalizer([] { return coir::sleep_for(1ms); });
        co_return;
    };
    auto const work = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(work).is_success());
    CHECK(ran == 3);
    CHECK(counted::alive() == 0);
    CHECK(counted::destroyed() == 1);
}

TEST_CASE("what children and the body throw beside the first cause is kept with it [I24]") {
    struct named : std::runtime_error {
        using std::runtime_error::runtime_error;
    };
    auto const dies = [](std::chrono::milliseconds d, char const* what) -> task<> {
        co_await coir::sleep_for(d);
        throw named{what};
    };
    auto const dies_masked = [&](std::chrono::milliseconds d, char const* what) -> task<> {
        co_await coir::uninterruptible(dies(d, what));
    };
    auto const cleans_up_badly = [&]() -> task<> {
        co_await coir::ensuring(never_ends(), [&] { return dies(1ms, "finalizer of a child"); });
    };
    auto body = [&](scope<>& s) -> task<> {
        s.add_finalizer([&] { return dies(0ms, "finalizer 1"); });
        s.add_finalizer([&] { return dies(0ms, "finalizer 2"); });
        s.fork(dies_masked, 2ms, "first");
        s.fork(dies_masked, 4ms, "second");
        s.fork(cleans_up_badly);
        co_await dies_masked(5ms, "body");
    };
    auto const work = [&]() -> task<> { co_await coir::with_scope(body); };
    auto const end = test_scheduler{}.run(work);
    auto const text = [](std::exception_ptr const& thrown) -> std::string {
        try {
            std::rethrow_exception(thrown);
        } catch (named const& e) {
            return e.what();
        }
    };
    REQUIRE(end.is_defect());
    CHECK(text(end.defect()) == "first");
    steps besides;
    for (auto const& thrown : end.suppressed()) {
        besides.push_back(text(thrown));
    }
    CHECK(besides == steps{"body", "finalizer of a child", "second", "finalizer 2", "finalizer 1"});
}

TEST_CASE("typed failures after the first cause are beside it too [F8]") {
    auto const fails_after = [](int code) -> task<void, failed> {
        co_await coir::sleep_for(std::chrono::milliseconds{code});
        co_await coir::fail(failed{code});
    };
    auto const failing = [&](int code) -> task<void, failed> { co_await coir::uninterruptible(fails_after(code)); };
    auto const body = [&](coir::scope<failed>& s) -> task<void, failed> {
        s.fork(failing, 1);
        s.fork(failing, 2);
        co_await failing(3);
    };
    auto const all = [&]() -> task<void, failed> { co_await coir::with_scope<failed>(body); };
    test_scheduler s;
    auto const end = s.run(all);
    REQUIRE(end.is_failure());
    CHECK(end.error().code == 1);
    std::vector<int> beside;
    for (auto const& thrown : end.suppressed()) {
        try {
            std::rethrow_exception(thrown);
        } catch (coir::suppressed_failure<failed> const& later) {
            beside.push_back(later.error().code);
        }
    }
    std::sort(beside.begin(), beside.end());
    CHECK(beside == std::vector{2, 3});
}

TEST_CASE("an outcome that nobody looks at is reported once, whichever way nobody does [F31]") {
    struct way {
        char const* what;
        int reported;
        std::function<task<>()> run;
    };
    auto const dies = []() -> task<int, failed> {
        co_await coir::yield();
        throw std::runtime_error("died");
        co_return 0;
    };
    auto const in_scope = [](auto body, bool supervises) -> task<> {
        if (supervises) {
            static_cast<void>(co_await coir::as_outcome(coir::with_supervisor<failed>(body)));
        } else {
            static_cast<void>(co_await coir::as_outcome(coir::with_scope<failed>(body)));
        }
    };
    way const ways[] = {
        {"a handle that is dropped at once", 1,
         [&]() -> task<> {
             coir::fork(dies);
             co_await coir::sleep_for(1ms);
         }},
        {"a handle that is dropped after the end", 1,
         [&]() -> task<> {
             auto const f = coir::fork(dies);
             co_await coir::sleep_for(1ms);
             CHECK(f);
         }},
        {"copies of a handle, dropped one by one", 1,
         [&]() -> task<> {
             auto f = coir::fork(dies);
             std::vector<fiber<int, failed>> copies(3, f);
             f = {};
             co_await coir::sleep_for(1ms);
             copies.pop_back();
             co_await coir::sleep_for(1ms);
         }},
        {"a copy that is joined, and others that are dropped", 0,
         [&]() -> task<> {
             auto const f = coir::fork(dies);
             auto const copy = f;
             static_cast<void>(co_await coir::as_outcome(copy));
         }},
        {"a handle that is joined long after the end", 0,
         [&]() -> task<> {
             auto const f = coir::fork(dies);
             co_await coir::sleep_for(1h);
             static_cast<void>(co_await coir::as_outcome(f));
         }},
        {"a daemon", 1,
         [&]() -> task<> {
             coir::fork_daemon(dies);
             co_await coir::sleep_for(1ms);
         }},
        {"a child that is interrupted", 0,
         [&]() -> task<> {
             coir::fork(never_ends);
             co_await coir::yield();
         }},
        {"children of a supervisor", 2,
         [&]() -> task<> {
             auto body = [&](scope<failed>& s) -> task<int, failed> {
                 s.fork(dies);
                 s.fork(fails_after, 1ms, 1);
                 auto const seen = s.fork(dies);
                 static_cast<void>(co_await seen.await());
                 co_return 0;
             };
             co_await in_scope(body, true);
         }},
        {"children of a scope, whose end they are", 0,
         [&]() -> task<> {
             auto body = [&](scope<failed>& s) -> task<int, failed> {
                 s.fork(dies);
                 s.fork(dies);
                 s.fork(fails_after, 0ms, 1);
                 co_return 0;
             };
             co_await in_scope(body, false);
         }},
    };
    for (way const& w : ways) {
        INFO(w.what);
        counting_scheduler s;
        CHECK(s.run(w.run).is_success());
        CHECK(s.unhandled == w.reported);
    }
}

namespace {

struct needed_for_a_while {
    task<> operator()() const {
        ++*runs;
        co_return;
    }
    bool is_needless() const noexcept { return *is_over; }

    std::shared_ptr<bool> is_over;
    int* runs;
};

} // namespace

TEST_CASE("finalizers that say they are needless go, and the others run, the last one first [F10]") {
    coir::detail::finalizer_stack all;
    auto const over = std::make_shared<bool>(true);
    auto const needed = std::make_shared<bool>(false);
    int over_runs = 0;
    int needed_runs = 0;
    all.push(needed_for_a_while{needed, &needed_runs});
    long most = 0;
    for (int i = 0; i < 10'000; ++i) {
        all.push(needed_for_a_while{over, &over_runs});
        most = (std::max)(most, over.use_count());
    }
    all.push(needed_for_a_while{needed, &needed_runs});
    CHECK(most < 50);
    test_scheduler s;
    auto const run = [&]() -> task<> {
        auto last = all.pop();
        while (last) {
            co_await last();
            last = all.pop();
        }
    };
    CHECK(s.run(run).is_success());
    CHECK(needed_runs == 2);
    CHECK(needed.use_count() == 1);
    CHECK(over.use_count() == 1);
}

TEST_CASE("what the finalizer of an interrupted child throws is beside the scope's end [I12]") {
    auto const child = []() -> task<> {
        auto const throws = []() -> task<> {
            co_await coir::yield();
            throw 7;
        };
        co_await coir::ensuring(coir::sleep_for(1h), throws);
    };
    auto const fails = [&](scope<failed>& s) -> task<int, failed> {
        s.fork(child);
        s.fork(fails_after, 1ms, 1);
        co_return 0;
    };
    auto const body_dies = [&](scope<failed>& s) -> task<int, failed> {
        s.fork(child);
        co_await coir::yield();
        throw 8;
    };
    auto const ends_well = [&](scope<failed>& s) -> task<int, failed> {
        auto const f = s.fork(child);
        co_await coir::yield();
        f.request_interrupt();
        co_return 0;
    };
    auto const suppressed_by = [](auto const& body) {
        auto const root = [&body]() -> task<std::size_t> {
            auto const end = co_await coir::as_outcome(coir::with_scope<failed>(body));
            co_return end.suppressed().size();
        };
        return test_scheduler{}.run(root).value();
    };
    CHECK(suppressed_by(fails) == 1);
    CHECK(suppressed_by(body_dies) == 1);
    CHECK(suppressed_by(ends_well) == 1);
}
