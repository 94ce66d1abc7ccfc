// A run_loop goes to sleep while other threads post to it, and arm its timers.
#include "loop_stage.hpp"
#include "scenes.hpp"

namespace scenario {

namespace {

constexpr scene all[] = {
    {"loop/complete", 3, [](loop_stage& s) {
         s.completes();
         s.runs();
     }},
    {"loop/complete/complete", 3, [](loop_stage& s) {
         s.completes();
         s.completes();
         s.runs();
     }},
    {"loop/arm", 3, [](loop_stage& s) {
         s.arms();
         s.runs();
     }},
    {"loop/arm/complete", 3, [](loop_stage& s) {
         s.arms();
         s.completes();
         s.runs();
     }},
    {"loop/complete/arm", 3, [](loop_stage& s) {
         s.completes();
         s.arms();
         s.runs();
     }},
};

const added these{all};

} // namespace

} // namespace scenario
