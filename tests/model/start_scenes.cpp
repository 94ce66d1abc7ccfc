// A child says that it is ready, or ends before, while who waits for its word gives up.
#include "scenes.hpp"
#include "start_stage.hpp"

namespace scenario {

namespace {

constexpr scene all[] = {
    {"start/say", 3, [](start_stage& s) { s.starts({.says = true}); }},
    {"start/say/fail", 2, [](start_stage& s) { s.starts({.says = true, .fails = true}); }},
    {"start/fail", 3, [](start_stage& s) { s.starts({.fails = true}); }},
    {"start/say/begin", 3, [](start_stage& s) { s.begins({.says = true}); }},
    {"start/interrupt", 2, [](start_stage& s) { s.interrupts(s.starts({.goes_on = false})); }},
    {"start/begin/interrupt", 1, [](start_stage& s) { s.interrupts(s.begins({.goes_on = false})); }},
    {"start/say/interrupt", 2, [](start_stage& s) { s.interrupts(s.starts({.says = true})); }},
    {"start/say/fail/interrupt", 1, [](start_stage& s) { s.interrupts(s.starts({.says = true, .fails = true})); }},
    {"start/fail/interrupt", 2, [](start_stage& s) { s.interrupts(s.starts({.fails = true})); }},
};

const added these{all};

} // namespace

} // namespace scenario
