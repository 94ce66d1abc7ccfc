// Every schedule of what fibers are made of beside the deferred: awaitables of other libraries,
// groups, children that say when they are ready, slots. What happens in each scene is in the
// *_scenes.cpp, what must hold in the *_stage.hpp.
#include "every_schedule.hpp"

using scenario::every_schedule;

TEST_CASE("what another library resumes goes on once, on whichever thread it does so [D12 D38]") {
    every_schedule("resume");
    every_schedule("resume early");
    every_schedule("resume/register");
    every_schedule("resume/two workers");
}

TEST_CASE("an interruption waits for another library that cannot be asked, and its result counts [I3]") {
    every_schedule("resume/interrupt");
    every_schedule("resume/interrupt/register");
    every_schedule("resume/interrupt/interrupt");
    every_schedule("resume/interrupt/two workers");
}

TEST_CASE("await_cancel meets a resumption: either the result counts, or nobody resumes [I1 I3]") {
    every_schedule("await_cancel/interrupt/register");
    every_schedule("await_cancel/interrupt/resume");
    every_schedule("await_cancel/interrupt/resume/register");
    every_schedule("await_cancel/interrupt/resume/two workers");
    every_schedule("await_cancel/timeout/resume");
    every_schedule("await_cancel/timeout/interrupt/resume");
}

TEST_CASE("who was asked to give up and resumes is asked whether there is a result [I3]") {
    every_schedule("await_must_resume/interrupt/resume");
    every_schedule("await_must_resume/interrupt/resume/register");
    every_schedule("await_must_resume/timeout/interrupt/resume");
}

TEST_CASE("the first member to end decides, and the fiber goes on when all are gone [R1 R4 R5]") {
    every_schedule("any/end");
    every_schedule("any/end/end");
    every_schedule("any/end/complete");
    every_schedule("any/begin/complete");
    every_schedule("any/begin/end");
}

TEST_CASE("an interruption meets the ends of members, or their starts [R6 I3]") {
    every_schedule("any/interrupt");
    every_schedule("any/interrupt/end");
    every_schedule("any/interrupt/end/end");
    every_schedule("any/begin/interrupt");
    every_schedule("any/begin/end/interrupt");
    every_schedule("any of range/interrupt/end");
}

TEST_CASE("who succeeds wins the race, however the others end meanwhile [R2 R3]") {
    every_schedule("race/end/fail");
    every_schedule("race/fail/fail");
    every_schedule("race/interrupt/end");
    every_schedule("race/fail/interrupt");
    every_schedule("race/fail/end/interrupt");
}

TEST_CASE("all members succeed, or the first that fails stops the others and the fiber itself [R14 R15]") {
    every_schedule("all/end/end");
    every_schedule("all/fail");
    every_schedule("all/fail here");
    every_schedule("all/fail/complete here");
    every_schedule("all of range/end/fail");
    every_schedule("all of range/fail/fail");
}

TEST_CASE("an interruption meets members of which all must succeed [R15 I3]") {
    every_schedule("all/interrupt/end");
    every_schedule("all/interrupt/end/end");
    every_schedule("all/interrupt/fail");
    every_schedule("all of range/interrupt/end/end");
}

TEST_CASE("of what two queues hand over at the same moment one gets one, and nothing is lost [Q7 R1]") {
    every_schedule("pop/push");
    every_schedule("pop/pushed/pushed");
    every_schedule("pop/pushed/push");
    every_schedule("pop/push/push");
    every_schedule("pop/begin/push/pushed");
}

TEST_CASE("an interruption meets an element that is handed over to one of two [Q7 R6]") {
    every_schedule("pop/interrupt/push");
    every_schedule("pop/interrupt/pushed/push");
}

TEST_CASE("a child says that it is ready, or ends before, and belongs to one from then on") {
    every_schedule("start/say");
    every_schedule("start/say/fail");
    every_schedule("start/fail");
    every_schedule("start/say/begin");
}

TEST_CASE("who waits for a child's word gives up while the child says it, or ends [I3]") {
    every_schedule("start/interrupt");
    every_schedule("start/begin/interrupt");
    every_schedule("start/say/interrupt");
    every_schedule("start/say/fail/interrupt");
    every_schedule("start/fail/interrupt");
}

TEST_CASE("the latest takes the place of what ends just then, or is being cleared [F27 F29]") {
    every_schedule("slot/replace");
    every_schedule("slot/replace after");
    every_schedule("slot/close/replace");
    every_schedule("slot/close/replace after");
    every_schedule("slot/empty/replace after");
}

TEST_CASE("who clears a slot waits for what runs in it, or gives up [F28 I1]") {
    every_schedule("slot/clear");
    every_schedule("slot/clear/end");
    every_schedule("slot/clear/interrupt");
    every_schedule("slot/empty/interrupt/end");
}
