// Several waits of one fiber at once: who decides, who is stopped, and when the fiber goes on.
#include "group_stage.hpp"
#include "scenes.hpp"

namespace scenario {

namespace {

constexpr scene all[] = {
    // ---- when_any, race.
    {"any/end", 1, [](group_stage& s) {
         s.awaits(s.any());
         s.is_complete(0);
     }},
    {"any/end/end", 1, [](group_stage& s) {
         s.awaits(s.any());
         s.is_complete(0);
         s.is_complete(1);
     }},
    {"any/end/complete", 1, [](group_stage& s) {
         s.awaits(s.any());
         s.is_complete(0);
         s.completes(1);
     }},
    {"any/interrupt", 1, [](group_stage& s) { s.interrupts(s.awaits(s.any())); }},
    {"any/interrupt/end", 1, [](group_stage& s) {
         s.interrupts(s.awaits(s.any()));
         s.is_complete(0);
     }},
    {"any/interrupt/end/end", 1, [](group_stage& s) {
         s.interrupts(s.must_complete(s.awaits(s.any())));
         s.is_complete(0);
         s.is_complete(1);
     }},
    // A member ends while the next is being started, or before.
    {"any/begin/complete", 1, [](group_stage& s) {
         s.begins(s.any());
         s.completes(0);
     }},
    {"any/begin/end", 6, [](group_stage& s) {
         s.is_complete(0);
         s.begins(s.any());
     }},
    {"any/begin/interrupt", 1, [](group_stage& s) { s.interrupts(s.begins(s.any())); }},
    {"any/begin/end/interrupt", 1, [](group_stage& s) {
         s.is_complete(1);
         s.interrupts(s.begins(s.any()));
     }},
    // Who succeeds wins, however late it comes to say so.
    {"race/end/fail", 1, [](group_stage& s) {
         s.awaits(s.race());
         s.is_complete(0);
         s.has_failed(1);
     }},
    {"race/fail/fail", 1, [](group_stage& s) {
         s.awaits(s.race());
         s.has_failed(0);
         s.has_failed(1);
     }},
    {"race/fail/interrupt", 1, [](group_stage& s) {
         s.interrupts(s.awaits(s.race()));
         s.has_failed(0);
     }},
    {"race/interrupt/end", 1, [](group_stage& s) {
         s.interrupts(s.must_complete(s.awaits(s.race())));
         s.is_complete(0);
     }},
    {"race/fail/end/interrupt", 1, [](group_stage& s) {
         s.interrupts(s.must_complete(s.awaits(s.race())));
         s.has_failed(0);
         s.is_complete(1);
     }},

    // ---- when_all.
    {"all/end/end", 2, [](group_stage& s) {
         s.awaits(s.all());
         s.is_complete(0);
         s.is_complete(1);
     }},
    {"all/fail", 2, [](group_stage& s) {
         s.awaits(s.all());
         s.has_failed(0);
     }},
    {"all/fail here", 2, [](group_stage& s) {
         s.awaits(s.all());
         s.has_failed(1);
     }},
    {"all/fail/complete here", 1, [](group_stage& s) {
         s.awaits(s.all());
         s.has_failed(0);
         s.completes(1);
     }},
    {"all/interrupt/end", 1, [](group_stage& s) {
         s.interrupts(s.awaits(s.all()));
         s.is_complete(0);
     }},
    {"all/interrupt/end/end", 1, [](group_stage& s) {
         s.interrupts(s.must_complete(s.awaits(s.all())));
         s.is_complete(0);
         s.is_complete(1);
     }},
    {"all/interrupt/fail", 1, [](group_stage& s) {
         s.interrupts(s.awaits(s.all()));
         s.has_failed(0);
     }},

    // ---- Over a range, where all members are beside the fiber.
    {"all of range/end/fail", 1, [](group_stage& s) {
         s.awaits(s.all_of_range());
         s.is_complete(0);
         s.has_failed(1);
     }},
    {"all of range/interrupt/end/end", 1, [](group_stage& s) {
         s.interrupts(s.must_complete(s.awaits(s.all_of_range())));
         s.is_complete(0);
         s.is_complete(1);
     }},
    {"all of range/fail/fail", 1, [](group_stage& s) {
         s.awaits(s.all_of_range());
         s.has_failed(0);
         s.has_failed(1);
     }},
    {"any of range/interrupt/end", 1, [](group_stage& s) {
         s.interrupts(s.awaits(s.any_of_range()));
         s.is_complete(1);
     }},
};

const added these{all};

} // namespace

} // namespace scenario
