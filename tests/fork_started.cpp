// Children that say when they are ready, and what they hand over then.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/testing/explore.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::scope;
using coir::started;
using coir::task;
using coir::test_scheduler;
using coir_test::cleans_up;
using coir_test::counted;
using coir_test::counting_scheduler;
using coir_test::failed;
using coir_test::never_ends;
using coir_test::note;
using coir_test::steps;

namespace {

task<> serves(started<int>& ready, steps& log, int port) {
    co_await coir::sleep_for(1ms);
    log.push_back("listening");
    CHECK(ready(port));
    co_await cleans_up(log, "closed");
}

task<int, failed> fails_before(started<>&, int code) {
    co_await coir::sleep_for(1ms);
    co_await coir::fail(failed{code});
    co_return 0;
}

task<int, failed> fails_after_ready(started<>& ready, int code) {
    co_await coir::sleep_for(1ms);
    ready();
    co_await coir::sleep_for(1ms);
    co_await coir::fail(failed{code});
    co_return 0;
}

} // namespace

TEST_CASE("a child says that it is ready and hands over a value, and then is a child like others") {
    steps log;
    auto body = [&](scope<>& s) -> task<int> {
        int const port = co_await s.fork_started(serves, std::ref(log), 80);
        log.push_back("started");
        CHECK(s.size() == 1);
        co_await s.interrupt();
        log.push_back("interrupted");
        co_return port;
    };
    auto const t = [&]() -> task<int> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).value() == 80);
    CHECK(log == steps{"listening", "started", "closed", "interrupted"});
}

TEST_CASE("what is handed over may be nothing, a reference or of a type that only moves") {
    int target = 1;
    auto body = [&](scope<>& s) -> task<int> {
        co_await s.fork_started([](started<>& ready) -> task<> {
            CHECK(ready());
            co_return;
        });
        int& same = co_await s.fork_started([&](started<int&>& ready) -> task<> {
            ready(target);
            co_return;
        });
        CHECK(&same == &target);
        auto const p = co_await s.fork_started([](started<std::unique_ptr<int>>& ready) -> task<int> {
            ready(std::make_unique<int>(5));
            co_return 1;
        });
        co_return *p;
    };
    auto const t = [&]() -> task<int> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).value() == 5);
}

TEST_CASE("the type is read from functions, closures and references to them, or is named") {
    auto body = [](scope<>& s) -> task<> {
        auto mutates = [n = 1](started<int>& ready) mutable -> task<> {
            ready(++n);
            co_return;
        };
        int const of_a_copy = co_await s.fork_started(mutates);
        int const first = co_await s.fork_started(std::ref(mutates));
        int const second = co_await s.fork_started(std::ref(mutates));
        CHECK(of_a_copy == 2);
        CHECK(first == 2);
        CHECK(second == 3);
        auto const generic = [](auto& ready, int v) -> task<> {
            ready(v);
            co_return;
        };
        int const named = co_await s.fork_started<int>(generic, 4);
        CHECK(named == 4);
    };
    auto const t = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).is_success());
}

TEST_CASE("a child that ends before it is ready ends the one who waits for it, and not the scope") {
    for (auto const& how : {"failure", "defect", "interruption"}) {
        steps log;
        auto const child = [&](started<int>&) -> task<int, failed> {
            co_await coir::sleep_for(1ms);
            if (how == std::string{"failure"}) {
                co_await coir::fail(failed{3});
            } else if (how == std::string{"defect"}) {
                throw std::runtime_error("died");
            }
            deferred<> interrupted;
            interrupted.interrupt();
            co_await interrupted;
            co_return 0;
        };
        auto body = [&](scope<failed>& s) -> task<int, failed> {
            s.fork(note, std::ref(log), 3ms, "sibling");
            auto const end = co_await coir::as_outcome(s.fork_started(child));
            CHECK(end.is_failure() == (how == std::string{"failure"}));
            CHECK(end.is_defect() == (how == std::string{"defect"}));
            CHECK(end.is_interrupted() == (how == std::string{"interruption"}));
            CHECK((!end.is_failure() || end.error().code == 3));
            CHECK(s.size() == 1); // its end has been awaited
            co_return 1;
        };
        counting_scheduler s;
        auto const t = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
        CHECK(s.run(t).value() == 1);
        CHECK(log == steps{"sibling"});
        CHECK(s.unhandled == 0);
    }
}

TEST_CASE("its failure is the awaiting task's own, with its type") {
    auto body = [](scope<failed>& s) -> task<int, failed> {
        co_await s.fork_started(fails_before, 4);
        co_return 1;
    };
    auto const t = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
    CHECK(test_scheduler{}.run(t).error().code == 4);
}

TEST_CASE("a child that ends well without being ready is the defect not_started") {
    auto body = [](scope<>& s) -> task<bool> {
        try {
            co_await s.fork_started([](started<int>&) -> task<> { co_await coir::yield(); });
        } catch (coir::not_started const&) {
            co_return true;
        }
        co_return false;
    };
    auto const t = [&]() -> task<bool> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).value());
}

TEST_CASE("a callable that throws before there is a task is a defect of who waits") {
    auto body = [](scope<>& s) -> task<bool> {
        auto const child = [](started<int>&) -> task<> { throw std::runtime_error("early"); };
        auto const end = co_await coir::as_outcome(s.fork_started(child));
        co_return end.is_defect();
    };
    auto const t = [&]() -> task<bool> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).value());
}

TEST_CASE("after it is ready a child's failure is the scope's, and under a supervisor its own [F31]") {
    for (bool const supervises : {true, false}) {
        counting_scheduler s;
        auto body = [&](scope<failed>& in) -> task<int, failed> {
            co_await in.fork_started(fails_after_ready, 6);
            co_await coir::sleep_for(5ms);
            co_return 1;
        };
        auto const t = [&]() -> task<int, failed> {
            if (supervises) {
                co_return co_await coir::with_scope<failed>(body);
            }
            co_return co_await coir::with_supervisor<failed>(body);
        };
        auto const end = s.run(t);
        CHECK(end.is_failure() == supervises);
        CHECK(s.unhandled == (supervises ? 0 : 1));
    }
}

TEST_CASE("who is interrupted while waiting interrupts the child and waits for its clean-up") {
    test_scheduler s;
    steps log;
    auto body = [&](scope<>& in) -> task<> {
        auto const child = [&](started<>& ready) -> task<> {
            co_await coir::ensuring(never_ends(), [&]() -> task<> {
                co_await note(log, 5ms, "child");
                CHECK_FALSE(ready()); // too late, nobody waits for it
            });
        };
        bool const in_time = co_await coir::timeout(in.fork_started(child), 1ms);
        CHECK_FALSE(in_time);
        CHECK(in.size() == 0);
        log.push_back("timed out");
    };
    auto const f = s.start([&]() -> task<> { co_await coir::with_scope(body); });
    s.advance(5ms);
    CHECK(log.empty());
    s.advance(1ms);
    CHECK(log == steps{"child", "timed out"});
    CHECK(f.poll()->is_success());
}

TEST_CASE("a child that dies while it is given up is what who waited sees") {
    auto body = [](scope<>& s) -> task<bool> {
        auto const child = [](started<>&) -> task<> {
            co_await coir::ensuring(never_ends(), []() -> task<> {
                throw std::runtime_error("clean-up");
                co_return;
            });
        };
        auto const end = co_await coir::as_outcome(coir::timeout(s.fork_started(child), 1ms));
        // Interrupted, the child keeps the exception aside, and so does the timeout's end.
        CHECK(end.suppressed().size() == 1);
        auto const dies_later = []() -> task<> {
            co_await coir::sleep_for(2ms);
            throw std::runtime_error("died");
        };
        auto const dies = [&](started<>&) -> task<> { co_await coir::uninterruptible(dies_later()); };
        auto const second = co_await coir::as_outcome(coir::timeout(s.fork_started(dies), 1ms));
        co_return second.is_defect();
    };
    auto const t = [&]() -> task<bool> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).value());
}

TEST_CASE("it is said once, and who says it again is told") {
    auto body = [](scope<>& s) -> task<int> {
        co_return co_await s.fork_started([](started<int>& ready) -> task<> {
            CHECK(ready(1));
            CHECK_FALSE(ready(2));
            co_await coir::yield();
            CHECK_FALSE(ready(3));
        });
    };
    auto const t = [&]() -> task<int> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).value() == 1);
}

TEST_CASE("on a closed scope nothing starts, and who waits ends as interrupted [F9]") {
    bool ran = false;
    bool interrupted = false;
    auto body = [&](scope<>& s) -> task<> {
        s.add_finalizer([&]() -> task<> {
            auto const child = [&](started<>& ready) -> task<> {
                ran = true;
                ready();
                co_return;
            };
            auto const end = co_await coir::as_outcome(s.fork_started(child));
            interrupted = end.is_interrupted();
        });
        co_return;
    };
    auto const t = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).is_success());
    CHECK(interrupted);
    CHECK_FALSE(ran);
}

TEST_CASE("a scope that is interrupted ends a child that is starting too") {
    auto body = [](scope<>& s) -> task<bool> {
        s.fork([&s]() -> task<> {
            co_await coir::sleep_for(1ms);
            s.request_interrupt();
        });
        auto const child = [](started<>&) -> task<> { co_await never_ends(); };
        auto const end = co_await coir::as_outcome(s.fork_started(child));
        co_return end.is_interrupted();
    };
    auto const t = [&]() -> task<bool> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).value());
}

TEST_CASE("it starts when it is awaited, or not at all, and here if asked to [F15]") {
    steps log;
    auto body = [&](scope<>& s) -> task<> {
        auto starts = s.fork_started(serves, std::ref(log), 1);
        static_cast<void>(starts);
        co_await coir::sleep_for(5ms);
        CHECK(log.empty());
        auto const quick = [&](started<>& ready) -> task<> {
            log.push_back("child");
            ready();
            co_return;
        };
        auto const other = s.fork([&]() -> task<> {
            log.push_back("other");
            co_return;
        });
        co_await s.fork_started(coir::fork_options{.start = coir::fork_start::here}, quick);
        CHECK(log == steps{"child"}); // nobody else came in between
        co_await other;
    };
    auto const t = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).is_success());
}

TEST_CASE("callable, arguments and value of a starting child live as long as they are used, and no longer") {
    counted::reset();
    auto body = [](scope<>& s) -> task<> {
        auto child = [c = counted{4}](started<counted>& ready, std::unique_ptr<int> p) -> task<> {
            co_await coir::yield();
            ready(counted{c.value + *p});
            co_await coir::sleep_for(1ms);
            CHECK(c.value == 4);
        };
        auto const sum = co_await s.fork_started(coir::moved(child), std::make_unique<int>(1));
        CHECK(sum.value == 5);
        co_await s.join();
        CHECK(counted::alive() == 2); // `child`, moved from, and `sum`
    };
    auto const t = [&]() -> task<> { co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).is_success());
    CHECK(counted::alive() == 0);
}

TEST_CASE("being ready, ending, and giving up may come together in any order") {
    coir::explore(200, [](test_scheduler& s) {
        auto body = [](scope<>& in) -> task<> {
            for (int i = 0; i < 4; ++i) {
                auto const child = [i](started<int>& ready) -> task<> {
                    co_await coir::sleep_for(1ms);
                    if (i % 2 == 0) {
                        ready(i);
                    }
                };
                auto const end = co_await coir::as_outcome(coir::timeout(in.fork_started(child), 1ms));
                bool const gave_up = end.is_success() && !end.value().has_value();
                CHECK((gave_up || end.is_success() == (i % 2 == 0)));
            }
        };
        CHECK(s.run([&]() -> task<> { co_await coir::with_scope(body); }).is_success());
    });
}
