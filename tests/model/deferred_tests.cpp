// Every schedule of waiters, completers, interrupters and the ends of what they wait for, on the
// real code. What happens in each scene is in deferred_scenes.cpp, what must hold in stage.hpp.
#include "every_schedule.hpp"

using scenario::every_schedule;

TEST_CASE("push, push, complete: each gets the value once [D12 D14 D38]") { every_schedule("push/push/complete"); }

TEST_CASE("complete, complete: one wins, and a waiter sees the value [D2 D3]") { every_schedule("complete/complete"); }

TEST_CASE("waiters are woken in the order of their coming [D13]") {
    every_schedule("in order");
    every_schedule("in order around a removal");
}

TEST_CASE("a plain thread waits, or gives up while others complete and leave [D12 D17]") {
    every_schedule("complete/thread");
    every_schedule("complete/thread gives up");
    every_schedule("remove/complete/thread gives up");
}

TEST_CASE("complete, remove: the waiter ends once, either way [D16 D17 D18]") {
    every_schedule("complete/remove");
    every_schedule("complete/complete/remove");
}

TEST_CASE("an interruption meets a waiter that is just registering [D17]") { every_schedule("interrupt/register/complete"); }

TEST_CASE("an interruption alone ends a wait, however it meets the registration [D16]") {
    every_schedule("interrupt/register");
    every_schedule("interrupt/interrupt/register");
}

TEST_CASE("two interruptions of one waiter, while it completes [D17]") { every_schedule("interrupt/interrupt one/complete"); }

TEST_CASE("a fiber goes on on another thread than the one on which it began to wait [D12 D38]") {
    every_schedule("complete/two workers");
    every_schedule("interrupt/two workers");
    every_schedule("signal/complete/two workers");
}

TEST_CASE("a callback that a fiber calls on its way out runs in no fiber, as that one may have ended [D16]") {
    every_schedule("complete/callback looks around/two workers");
}

TEST_CASE("a callback drops another whose turn to be told has not come [D20]") {
    every_schedule("signal/complete/callback drops another");
}

TEST_CASE("a callback ends what a fiber waits for that is just being interrupted [D32]") {
    every_schedule("interrupt/scope exit/complete/callback ends what a child waits for");
}

TEST_CASE("an interruption meets a fiber between one wait and the next [D17]") {
    every_schedule("complete/complete next/interrupt");
}

TEST_CASE("remove, remove, push: the janitor takes over what came meanwhile [D15 D17]") {
    every_schedule("remove/remove/push/complete");
}

TEST_CASE("remove, remove, complete: the janitor wakes who is left [D15 D17 D21]") { every_schedule("remove/remove/complete"); }

TEST_CASE("remove, complete, destroy: the last waiter to end takes the deferred with it [D18 D24]") {
    every_schedule("remove/complete/destroy");
    every_schedule("remove/complete/arrive/destroy");
}

TEST_CASE("remove, remove, destroy: no waiter is resumed while somebody is in the list [D18]") {
    every_schedule("remove/destroy");
    every_schedule("remove/remove/destroy");
}

TEST_CASE("an unfinished deferred ends while an interrupter is inside [D32]") { every_schedule("abandon/remove"); }

TEST_CASE("an unfinished deferred ends while two interrupters are inside [D32]") { every_schedule("abandon/remove/remove"); }

TEST_CASE("a mask keeps interruptions off, and the first thing after it is one [I3]") {
    every_schedule("interrupt twice under a mask");
    every_schedule("interrupt/mask");
    every_schedule("interrupt/mask/complete");
}

TEST_CASE("a signal ends its region, whatever the body does just then [X6]") {
    every_schedule("signal/register");
    every_schedule("signal/signal");
    every_schedule("signal/complete");
    every_schedule("signal abandoned/complete");
}

TEST_CASE("a signal and an interruption meet at one fiber [X6 I20]") {
    every_schedule("signal/interrupt");
    every_schedule("signal/interrupt/complete");
}

TEST_CASE("a signal reaches its region behind a mask, after a request that does not [I3]") {
    every_schedule("signal/interrupt under a mask");
}

TEST_CASE("a time limit, an interruption and a completion meet at one fiber [I20]") {
    every_schedule("timeout/complete");
    every_schedule("timeout/interrupt");
    every_schedule("timeout/interrupt/complete");
}

TEST_CASE("a fiber ends after its children, which it interrupts while they complete [I20]") {
    every_schedule("complete/scope exit");
    every_schedule("interrupt/scope exit");
    every_schedule("interrupt/scope exit/complete");
}

TEST_CASE("who is read by a dump ends as ever, whatever comes for it meanwhile [D12 D17]") {
    every_schedule("read/register/complete");
    every_schedule("read/complete");
    every_schedule("read/interrupt");
    every_schedule("read/interrupt/complete");
    every_schedule("read/abandon");
    every_schedule("read under a mask");
}

TEST_CASE("a dump meets a time limit, a signal and the end of a fiber with a child [I20 X6]") {
    every_schedule("read/timeout/complete");
    every_schedule("read/signal/complete");
    every_schedule("read/scope exit");
}
