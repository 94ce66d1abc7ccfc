// A fiber pops from two queues at once: of what both hand over at the same moment it gets one.
#include "pop_stage.hpp"
#include "scenes.hpp"

namespace scenario {

namespace {

constexpr scene all[] = {
    {"pop/push", 1, [](pop_stage& s) {
         s.pops();
         s.pushes(0);
     }},
    {"pop/pushed/pushed", 1, [](pop_stage& s) {
         s.pops();
         s.has_pushed(0);
         s.has_pushed(1);
     }},
    {"pop/pushed/push", 1, [](pop_stage& s) {
         s.pops();
         s.has_pushed(0);
         s.pushes(1);
     }},
    {"pop/push/push", 0, [](pop_stage& s) {
         s.pops();
         s.pushes(0);
         s.pushes(1);
     }},
    {"pop/begin/push/pushed", 1, [](pop_stage& s) {
         s.has_pushed(1);
         s.begins();
         s.pushes(0);
     }},
    {"pop/interrupt/push", 0, [](pop_stage& s) {
         s.interrupts(s.pops());
         s.pushes(0);
     }},
    {"pop/interrupt/pushed/push", 0, [](pop_stage& s) {
         s.interrupts(s.pops());
         s.has_pushed(0);
         s.pushes(1);
     }},
};

const added these{all};

} // namespace

} // namespace scenario
