// What another library resumes: whichever of its threads does so, and whoever interrupts meanwhile.
#include "foreign_stage.hpp"
#include "scenes.hpp"

namespace scenario {

namespace {

using how = foreign_stage::cancelling;

constexpr scene all[] = {
    {"resume/register", 6, [](foreign_stage& s) {
         s.arrives(s.handed_over());
         s.resumes();
     }},
    {"resume", 6, [](foreign_stage& s) {
         s.waits(s.event<how::not_at_all>());
         s.resumes();
     }},
    {"resume early", 6, [](foreign_stage& s) {
         s.arrives(s.event<how::not_at_all>());
         s.resumes();
     }},
    {"resume/two workers", 2, [](foreign_stage& s) {
         s.roams(s.handed_over());
         s.resumes();
     }},

    // ---- What cannot be taken back is waited for, and counts.
    {"resume/interrupt", 3, [](foreign_stage& s) {
         s.interrupts(s.waits(s.event<how::not_at_all>()));
         s.resumes();
     }},
    {"resume/interrupt/register", 3, [](foreign_stage& s) {
         s.interrupts(s.arrives(s.event<how::not_at_all>()));
         s.resumes();
     }},
    {"resume/interrupt/interrupt", 2, [](foreign_stage& s) {
         actor& who = s.waits(s.event<how::not_at_all>());
         s.interrupts(who);
         s.interrupts(who);
         s.resumes();
     }},
    {"resume/interrupt/two workers", 1, [](foreign_stage& s) {
         s.interrupts(s.roams(s.event<how::not_at_all>()));
         s.resumes();
     }},

    // ---- What can.
    {"await_cancel/interrupt/register", 4, [](foreign_stage& s) {
         s.interrupts(s.arrives(s.event<how::takes_back>()));
     }},
    {"await_cancel/interrupt/resume", 3, [](foreign_stage& s) {
         s.interrupts(s.waits(s.event<how::takes_back>()));
         s.resumes();
     }},
    {"await_cancel/interrupt/resume/register", 2, [](foreign_stage& s) {
         s.interrupts(s.arrives(s.event<how::takes_back>()));
         s.resumes();
     }},
    {"await_cancel/interrupt/resume/two workers", 1, [](foreign_stage& s) {
         s.interrupts(s.roams(s.event<how::takes_back>()));
         s.resumes();
     }},
    {"await_cancel/timeout/resume", 3, [](foreign_stage& s) {
         s.time_runs_out(s.waits(s.limited(s.event<how::takes_back>())));
         s.resumes();
     }},
    {"await_cancel/timeout/interrupt/resume", 1, [](foreign_stage& s) {
         actor& who = s.waits(s.limited(s.event<how::takes_back>()));
         s.time_runs_out(who);
         s.interrupts(who);
         s.resumes();
     }},
    // Who is asked to give up resumes all the same, with a result or with none.
    {"await_must_resume/interrupt/resume", 3, [](foreign_stage& s) {
         s.interrupts(s.waits(s.event<how::resumes_anyway>()));
         s.resumes();
     }},
    {"await_must_resume/interrupt/resume/register", 2, [](foreign_stage& s) {
         s.interrupts(s.arrives(s.event<how::resumes_anyway>()));
         s.resumes();
     }},
    {"await_must_resume/timeout/interrupt/resume", 1, [](foreign_stage& s) {
         actor& who = s.waits(s.limited(s.event<how::resumes_anyway>()));
         s.time_runs_out(who);
         s.interrupts(who);
         s.resumes();
     }},
};

const added these{all};

} // namespace

} // namespace scenario
