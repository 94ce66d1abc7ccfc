// Waiting for the children of a scope, and ending them, without ending the scope.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/scope.hpp>
#include <coir/testing/explore.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::fiber;
using coir::scope;
using coir::task;
using coir::test_scheduler;
using coir_test::cleans_up;
using coir_test::failed;
using coir_test::fails_after;
using coir_test::never_ends;
using coir_test::note;
using coir_test::steps;

namespace {

template <class Body>
auto run_in_scope(test_scheduler& s, Body& body) {
    return s.run([&]() -> task<> { co_await coir::with_scope(body); });
}

} // namespace

TEST_CASE("joining waits for all children and theirs, and leaves the scope open") {
    steps log;
    auto body = [&](scope<>& s) -> task<> {
        co_await s.join(); // nobody there
        s.fork(note, std::ref(log), 1ms, "child");
        s.fork([&]() -> task<> {
            co_await coir::sleep_for(2ms);
            s.fork(note, std::ref(log), 3ms, "grandchild");
        });
        co_await s.join();
        CHECK(s.size() == 0);
        log.push_back("joined");
        s.fork(note, std::ref(log), 1ms, "another");
        co_await s.join();
        log.push_back("joined again");
    };
    test_scheduler s;
    CHECK(run_in_scope(s, body).is_success());
    CHECK(log == steps{"child", "grandchild", "joined", "another", "joined again"});
}

TEST_CASE("a child that fails ends the scope, though the body is joining, and a supervised one does not") {
    steps log;
    auto body = [&](scope<failed>& s) -> task<int, failed> {
        s.fork(fails_after, 1ms, 3);
        s.fork(cleans_up, std::ref(log), "cleaned");
        co_await s.join();
        log.push_back("joined");
        co_return 1;
    };
    auto const failing = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
    CHECK(test_scheduler{}.run(failing).error().code == 3);
    CHECK(log == steps{"cleaned"});
    auto supervised = [&](scope<failed>& s) -> task<int, failed> {
        auto const f = s.fork(fails_after, 1ms, 3);
        co_await s.join();
        CHECK(f.poll()->error().code == 3);
        co_return 1;
    };
    auto const kept = [&]() -> task<int, failed> { co_return co_await coir::with_supervisor<failed>(supervised); };
    CHECK(test_scheduler{}.run(kept).value() == 1);
}

TEST_CASE("a wait for children can be given up, and leaves them alone") {
    steps log;
    auto body = [&](scope<>& s) -> task<> {
        s.fork(note, std::ref(log), 5ms, "child");
        bool const at_once = co_await coir::timeout(s.join(), 1ms);
        CHECK_FALSE(at_once);
        log.push_back("gave up");
        bool const later = co_await coir::timeout(s.join(), 1h);
        CHECK(later);
        log.push_back("joined");
    };
    test_scheduler s;
    CHECK(run_in_scope(s, body).is_success());
    CHECK(log == steps{"gave up", "child", "joined"});
}

TEST_CASE("several fibers join a scope at once, the body and children of it that do not wait for each other") {
    coir::explore(50, [](test_scheduler& s) {
        steps log;
        auto body = [&](scope<>& in) -> task<> {
            auto const joins = [&](char const* what) -> task<> {
                co_await in.join();
                log.push_back(what);
            };
            in.fork(note, std::ref(log), 1ms, "work");
            in.fork(joins, "child");
            in.fork(joins, "child");
            co_await coir::when_all(joins("body"), joins("body"));
        };
        CHECK(run_in_scope(s, body).is_success());
        CHECK(log == steps{"work", "child", "child", "body", "body"});
    });
}

TEST_CASE("a child that joins alone ends at once") {
    auto body = [](scope<>& s) -> task<> {
        auto const f = s.fork([&s]() -> task<> { co_await s.join(); });
        co_await f;
    };
    test_scheduler s;
    CHECK(run_in_scope(s, body).is_success());
}

TEST_CASE("interrupting a scope ends its children, waits for their finalizers, and leaves it open [F8, F17]") {
    steps log;
    auto body = [&](scope<>& s) -> task<int> {
        s.fork(cleans_up, std::ref(log), "cleaned");
        s.fork(cleans_up, std::ref(log), "cleaned");
        co_await coir::yield();
        co_await s.interrupt();
        CHECK(s.size() == 0);
        log.push_back("interrupted");
        s.fork(note, std::ref(log), 1ms, "another");
        co_await s.join();
        co_return 2;
    };
    auto const t = [&]() -> task<int> { co_return co_await coir::with_scope(body); };
    CHECK(test_scheduler{}.run(t).value() == 2);
    CHECK(log == steps{"cleaned", "cleaned", "interrupted", "another"});
}

TEST_CASE("what is forked while a scope is being interrupted is interrupted too, and never starts [F9]") {
    bool ran = false;
    std::optional<fiber<>> late;
    auto body = [&](scope<>& s) -> task<> {
        s.fork([&]() -> task<> {
            co_await coir::ensuring(never_ends(), [&]() -> task<> {
                late = s.fork([&]() -> task<> {
                    ran = true;
                    co_await never_ends();
                });
                co_return;
            });
        });
        co_await coir::yield();
        co_await s.interrupt();
        CHECK(late->poll()->is_interrupted());
    };
    test_scheduler s;
    CHECK(run_in_scope(s, body).is_success());
    CHECK_FALSE(ran);
}

TEST_CASE("a child that interrupts its scope neither asks itself nor waits for itself [F11]") {
    coir::explore(50, [](test_scheduler& s) {
        steps log;
        auto body = [&](scope<>& in) -> task<> {
            auto const brother = in.fork(cleans_up, std::ref(log), "brother");
            in.fork([&]() -> task<> {
                co_await coir::sleep_for(1ms);
                co_await in.interrupt();
                CHECK(brother.poll()->is_interrupted());
                CHECK_FALSE(coir::this_fiber::interrupt_requested());
                log.push_back("self");
            });
            co_await in.join();
            log.push_back("body");
        };
        CHECK(run_in_scope(s, body).is_success());
        CHECK(log == steps{"brother", "self", "body"});
    });
}

TEST_CASE("children that interrupt their scope at the same time end each other [F11]") {
    coir::explore(50, [](test_scheduler& s) {
        int ended = 0;
        auto body = [&](scope<>& in) -> task<> {
            for (int i = 0; i < 3; ++i) {
                in.fork([&]() -> task<> {
                    co_await coir::ensuring(in.interrupt(), [&]() -> task<> {
                        ++ended;
                        co_return;
                    });
                });
            }
            co_await in.join();
            CHECK(in.size() == 0);
        };
        CHECK(run_in_scope(s, body).is_success());
        CHECK(ended <= 3);
    });
}

TEST_CASE("interrupting and joining are interruption points, and ask nobody when it is too late") {
    test_scheduler s;
    steps log;
    auto body = [&](scope<>& in) -> task<> {
        auto const f = in.fork(note, std::ref(log), 1ms, "child");
        auto const masked = [&]() -> task<> {
            co_await coir::sleep_for(0ms);
            CHECK(coir::this_fiber::interrupt_requested());
        };
        co_await coir::uninterruptible_mask([&](auto restore) -> task<> {
            co_await masked();
            auto const end = co_await coir::as_outcome(restore(in.interrupt()));
            CHECK(end.is_interrupted());
            co_await f;
        });
        log.push_back("not reached");
    };
    auto const root = s.start([&]() -> task<> { co_await coir::with_scope(body); });
    root.request_interrupt(); // before it starts nothing runs
    s.run_ready();
    CHECK(root.poll()->is_interrupted());
    fiber<> self;
    self = s.start([&]() -> task<> {
        self.request_interrupt();
        co_await coir::with_scope(body);
    });
    s.advance(1h);
    CHECK(self.poll()->is_interrupted());
    CHECK(log == steps{"child"});
    self = {};
}

TEST_CASE("awaiting all children means those of the body, not earlier ones, and nobody is interrupted [F16]") {
    for (bool const supervises : {true, false}) {
        test_scheduler s;
        steps log;
        auto const t = [&]() -> task<> {
            auto const earlier = coir::fork(note, std::ref(log), 9ms, "earlier");
            auto body = [&](scope<>& in) -> task<> {
                in.fork(note, std::ref(log), 2ms, "inside");
                in.fork(note, std::ref(log), 1ms, "inside first");
                co_return;
            };
            if (supervises) {
                co_await coir::with_scope(body);
            } else {
                co_await coir::with_supervisor(body);
            }
            log.push_back("after");
            CHECK(earlier.poll() == nullptr);
            co_await earlier;
        };
        CHECK(s.run(t).is_success());
        CHECK(log == steps{"inside first", "inside", "after", "earlier"});
    }
}
