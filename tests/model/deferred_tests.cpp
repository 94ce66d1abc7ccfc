// Every schedule of waiters, completers, interrupters and the end of a deferred, on the real code.
#include "fiber_model.hpp"

#include <catch2/catch.hpp>

#include <iostream>
#include <string_view>

namespace {

using scenario::actor;
using scenario::stage;

void explore(std::string_view what, const model::options& how, const std::function<void(stage&)>& scene) {
    const auto result = model::explore(how, [&](model::run& run) {
        auto* cast = new stage(run);
        scene(*cast);
        run.finally([=] { delete cast; });
    });
    std::cout << what << ": " << result.schedules() << " schedules up to " << how.preemptions << " preemptions and "
              << how.deviations << " deviations\n";
    INFO(result.text());
    CHECK(result.complete);
    CHECK_FALSE(result.failure);
}

// Under sequential consistency up to the bound, and up to one less where memory may once be
// weaker; prints what was explored.
void explore(std::string_view what, std::size_t bound, const std::function<void(stage&)>& scene) {
    const auto preemptions = model::bound_or(bound);
    explore(what, {.preemptions = preemptions}, scene);
    if (preemptions > 0) explore(what, {.preemptions = preemptions - 1, .deviations = 1}, scene);
}

} // namespace

TEST_CASE("push, push, complete: each gets the value once [D12 D14 D38]") {
    const auto scene = [](stage& s) {
        s.arrives();
        s.arrives();
        s.completes();
    };
    explore("push/push/complete", 3, scene);
}

TEST_CASE("complete, complete: one wins, and a waiter sees the value [D2 D3]") {
    const auto scene = [](stage& s) {
        s.waits();
        s.arrives();
        s.completes();
        s.completes();
    };
    explore("complete/complete", 2, scene);
}

TEST_CASE("complete, remove: the waiter ends once, either way [D16 D17 D18]") {
    const auto scene = [](stage& s) {
        s.interrupts(s.waits());
        s.completes();
    };
    explore("complete/remove", 4, scene);
}

TEST_CASE("an interruption meets a waiter that is just registering [D17]") {
    const auto scene = [](stage& s) {
        s.interrupts(s.arrives());
        s.completes();
    };
    explore("interrupt/register/complete", 3, scene);
}

TEST_CASE("an interruption alone ends a wait, however it meets the registration [D16]") {
    // Nobody completes: a request that is lost would leave the fiber asleep for ever.
    explore("interrupt/register", 4, [](stage& s) { s.interrupts(s.arrives()); });
    explore("interrupt/interrupt/register", 2, [](stage& s) {
        actor& who = s.arrives();
        s.interrupts(who);
        s.interrupts(who);
    });
}

TEST_CASE("two interruptions of one waiter, while it completes [D17]") {
    const auto scene = [](stage& s) {
        actor& who = s.waits();
        s.interrupts(who);
        s.interrupts(who);
        s.completes();
    };
    explore("interrupt/interrupt one/complete", 2, scene);
}

TEST_CASE("remove, remove, push: the janitor takes over what came meanwhile [D15 D17]") {
    const auto scene = [](stage& s) {
        s.interrupts(s.waits());
        s.interrupts(s.waits());
        s.arrives();
        s.completes();
    };
    // Five threads: one preemption more is a minute, and there for COIR_MODEL_BOUND.
    explore("remove/remove/push/complete", 0, scene);
}

TEST_CASE("remove, remove, complete: the janitor wakes who is left [D15 D17 D21]") {
    const auto scene = [](stage& s) {
        s.interrupts(s.waits());
        s.interrupts(s.waits());
        s.completes();
    };
    explore("remove/remove/complete", 1, scene);
}

TEST_CASE("remove, complete, destroy: the last waiter to end takes the deferred with it [D18 D24]") {
    const auto scene = [](stage& s) {
        s.interrupts(s.waits());
        s.waits();
        s.completes();
        s.last_one_destroys();
    };
    explore("remove/complete/destroy", 2, scene);
}

TEST_CASE("remove, remove, destroy: no waiter is resumed while somebody is in the list [D18]") {
    // With its last waiter the deferred may die, also when that one was removed.
    explore("remove/destroy", 3, [](stage& s) {
        s.interrupts(s.waits());
        s.last_one_destroys();
    });
    explore("remove/remove/destroy", 1, [](stage& s) {
        s.interrupts(s.waits());
        s.interrupts(s.waits());
        s.last_one_destroys();
    });
}

TEST_CASE("an unfinished deferred ends while an interrupter is inside [D32]") {
    const auto scene = [](stage& s) {
        s.interrupts(s.waits());
        s.waits();
        s.abandons();
    };
    explore("abandon/remove", 2, scene);
}

TEST_CASE("an unfinished deferred ends while two interrupters are inside [D32]") {
    const auto scene = [](stage& s) {
        s.interrupts(s.waits());
        s.interrupts(s.waits());
        s.abandons();
    };
    explore("abandon/remove/remove", 1, scene);
}
