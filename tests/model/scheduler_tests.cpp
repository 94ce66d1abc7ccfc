// Every schedule of what runs fibers, and sleeps while there is nothing to run: what the workers of a
// pool share, and a run_loop. What happens in each scene is in the *_scenes.cpp, what must hold in
// the *_stage.hpp.
#include "every_schedule.hpp"

using scenario::every_schedule;

TEST_CASE("the owner of a deque and thieves take each piece of work once") {
    every_schedule("deque/pop one/steal");
    every_schedule("deque/pop/steal");
    every_schedule("deque/pop/steal/steal");
    every_schedule("deque/pop each/steal/steal");
    every_schedule("deque/move half/steal");
}

TEST_CASE("no worker sleeps while there is work that others posted") {
    every_schedule("pool/post");
    every_schedule("pool/post more than workers");
    every_schedule("pool/post two");
    every_schedule("pool/post/post");
    every_schedule("pool/post three");
}

TEST_CASE("no worker sleeps while there is work that another worker posted") {
    every_schedule("pool/bring");
    every_schedule("pool/bring/post");
    every_schedule("pool/bring more than a deque holds");
    every_schedule("pool/bring what both may take");
    every_schedule("pool/bring more than both may take");
    every_schedule("pool/yield/post");
}

TEST_CASE("a timer that is armed while workers go to sleep is not overslept") {
    every_schedule("pool/arm");
    every_schedule("pool/arm/post");
}

TEST_CASE("a run_loop is woken by what others post and arm, and may be destroyed when its work has ended") {
    every_schedule("loop/complete");
    every_schedule("loop/complete/complete");
    every_schedule("loop/arm");
    every_schedule("loop/arm/complete");
    every_schedule("loop/complete/arm");
}
