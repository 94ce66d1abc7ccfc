// A slot for one running fiber: the latest takes the place of what ends just then, or is cleared.
#include "owned_stage.hpp"
#include "scenes.hpp"

namespace scenario {

namespace {

constexpr auto cleared = detail::owned_until::cleared;
constexpr auto closed = detail::owned_until::closed;
constexpr auto empty = detail::owned_until::empty;

constexpr scene all[] = {
    {"slot/replace", 1, [](owned_stage& s) {
         s.holds();
         s.runs();
         s.is_complete();
         s.replaces();
     }},
    {"slot/replace after", 1, [](owned_stage& s) {
         s.holds();
         s.one_at_a_time();
         s.runs();
         s.is_complete();
         s.replaces();
     }},
    {"slot/clear", 2, [](owned_stage& s) {
         s.holds(cleared);
         s.runs();
     }},
    {"slot/clear/end", 2, [](owned_stage& s) {
         s.holds(cleared);
         s.runs();
         s.is_complete();
     }},
    {"slot/close/replace", 1, [](owned_stage& s) {
         s.holds(closed);
         s.runs();
         s.replaces();
     }},
    {"slot/close/replace after", 1, [](owned_stage& s) {
         s.holds(closed);
         s.one_at_a_time();
         s.runs();
         s.replaces();
     }},
    {"slot/clear/interrupt", 1, [](owned_stage& s) {
         actor& who = s.holds(cleared);
         s.runs();
         s.has_begun();
         s.interrupts(who);
     }},
    {"slot/empty/interrupt/end", 1, [](owned_stage& s) {
         actor& who = s.holds(empty);
         s.runs();
         s.has_begun();
         s.is_complete();
         s.interrupts(who);
     }},
    {"slot/empty/replace after", 1, [](owned_stage& s) {
         s.holds(empty);
         s.one_at_a_time();
         s.runs();
         s.is_complete();
         s.replaces();
     }},
};

const added these{all};

} // namespace

} // namespace scenario
