#include "scenes.hpp"

#include "stage.hpp"

namespace scenario {

namespace {

constexpr scene all[] = {
    // ---- Registration and completion.
    {"push/push/complete", 3, [](stage& s) {
         s.arrives();
         s.arrives();
         s.completes();
     }},
    {"complete/complete", 2, [](stage& s) {
         s.waits();
         s.arrives();
         s.completes();
         s.completes();
     }},
    {"complete/two workers", 2, [](stage& s) {
         s.roams();
         s.completes();
     }},
    {"complete/thread", 4, [](stage& s) {
         s.thread_waits();
         s.completes();
     }},
    {"complete/thread gives up", 4, [](stage& s) {
         s.thread_gives_up();
         s.completes();
     }},
    {"remove/complete/thread gives up", 1, [](stage& s) {
         s.thread_gives_up();
         s.interrupts(s.waits());
         s.completes();
     }},
    {"in order", 3, [](stage& s) {
         actor& first = s.waits();
         s.in_order(first, s.waits());
         s.completes();
     }},
    {"in order around a removal", 1, [](stage& s) {
         actor& first = s.waits();
         s.interrupts(s.waits());
         s.in_order(first, s.waits());
         s.completes();
     }},

    // ---- Interruption of waiters.
    {"complete/remove", 4, [](stage& s) {
         s.interrupts(s.waits());
         s.completes();
     }},
    {"complete/complete/remove", 2, [](stage& s) {
         s.interrupts(s.waits());
         s.completes();
         s.completes();
     }},
    {"interrupt/register/complete", 3, [](stage& s) {
         s.interrupts(s.arrives());
         s.completes();
     }},
    // Nobody completes: a request that is lost would leave the fiber asleep for ever.
    {"interrupt/register", 4, [](stage& s) { s.interrupts(s.arrives()); }},
    {"interrupt/interrupt/register", 2, [](stage& s) {
         actor& who = s.arrives();
         s.interrupts(who);
         s.interrupts(who);
     }},
    {"interrupt/interrupt one/complete", 2, [](stage& s) {
         actor& who = s.waits();
         s.interrupts(who);
         s.interrupts(who);
         s.completes();
     }},
    {"interrupt/two workers", 2, [](stage& s) { s.interrupts(s.roams()); }},
    // A fiber that cancels itself may have to call a callback when it runs elsewhere, or has ended.
    {"complete/callback looks around/two workers", 3, [](stage& s) {
         s.interrupts_itself(s.roams(s.interrupted_early(s.value())));
         s.callback_looks_around();
         s.completes();
     }},
    // An interrupter that finds the fiber in its first wait may cancel it in the second.
    {"complete/complete next/interrupt", 2, [](stage& s) {
         s.interrupts(s.waits(s.after_signal(s.value())));
         s.signals();
         s.completes();
     }},
    // Five threads: one preemption more is a minute, and there for COIR_MODEL_BOUND.
    {"remove/remove/push/complete", 0, [](stage& s) {
         s.interrupts(s.waits());
         s.interrupts(s.waits());
         s.arrives();
         s.completes();
     }},
    {"remove/remove/complete", 1, [](stage& s) {
         s.interrupts(s.waits());
         s.interrupts(s.waits());
         s.completes();
     }},

    // ---- The end of the deferred. With its last waiter it may die, also when that was removed.
    {"remove/complete/destroy", 2, [](stage& s) {
         s.interrupts(s.waits());
         s.waits();
         s.completes();
         s.last_one_destroys();
     }},
    {"remove/complete/arrive/destroy", 2, [](stage& s) {
         s.interrupts(s.waits());
         s.arrives();
         s.completes();
         s.last_one_destroys();
     }},
    {"remove/destroy", 3, [](stage& s) {
         s.interrupts(s.waits());
         s.last_one_destroys();
     }},
    {"remove/remove/destroy", 1, [](stage& s) {
         s.interrupts(s.waits());
         s.interrupts(s.waits());
         s.last_one_destroys();
     }},
    {"abandon/remove", 2, [](stage& s) {
         s.interrupts(s.waits());
         s.waits();
         s.abandons();
     }},
    {"abandon/remove/remove", 1, [](stage& s) {
         s.interrupts(s.waits());
         s.interrupts(s.waits());
         s.abandons();
     }},

    // ---- Masks.
    {"interrupt twice under a mask", 6, [](stage& s) {
         s.interrupts_twice_and_completes(s.waits(s.masked(s.value())));
     }},
    {"interrupt/mask", 4, [](stage& s) { s.interrupts_twice_and_completes(s.arrives(s.masked(s.value()))); }},
    {"interrupt/mask/complete", 3, [](stage& s) {
         s.interrupts(s.arrives(s.masked(s.value())));
         s.completes();
     }},

    // ---- Regions: a signal, a time limit.
    {"signal/register", 5, [](stage& s) { s.signals(s.arrives(s.until_signal(s.value()))); }},
    {"signal/signal", 3, [](stage& s) {
         actor& who = s.waits(s.until_signal(s.value()));
         s.signals(who);
         s.signals(who);
     }},
    {"signal/complete", 3, [](stage& s) {
         s.signals(s.waits(s.until_signal(s.value())));
         s.completes();
     }},
    {"signal/interrupt", 3, [](stage& s) {
         actor& who = s.waits(s.until_signal(s.value()));
         s.signals(who);
         s.interrupts(who);
     }},
    {"signal/interrupt/complete", 2, [](stage& s) {
         actor& who = s.waits(s.until_signal(s.value()));
         s.signals(who);
         s.interrupts(who);
         s.completes();
     }},
    {"signal abandoned/complete", 3, [](stage& s) {
         s.waits(s.until_signal(s.value()));
         s.abandons_signal();
         s.completes();
     }},
    {"signal/complete/two workers", 2, [](stage& s) {
         s.signals(s.roams(s.until_signal(s.value())));
         s.completes();
     }},
    // The fiber is asked twice, once by an interrupter that the mask keeps off.
    {"signal/interrupt under a mask", 3, [](stage& s) {
         actor& who = s.arrives(s.masked(s.until_signal(s.value())));
         s.signals(who);
         s.interrupts(who);
     }},
    // The signal's thread takes the fiber out of the value, and may have to call its callback.
    {"signal/complete/callback drops another", 2, [](stage& s) {
         actor& who = s.waits(s.until_signal(s.value()));
         s.callback_drops_another();
         s.signals(who);
         s.completes();
     }},
    {"timeout/complete", 3, [](stage& s) {
         s.time_runs_out(s.waits(s.limited(s.value())));
         s.completes();
     }},
    {"timeout/interrupt", 3, [](stage& s) {
         actor& who = s.waits(s.limited(s.value()));
         s.time_runs_out(who);
         s.interrupts(who);
     }},
    {"timeout/interrupt/complete", 2, [](stage& s) {
         actor& who = s.waits(s.limited(s.value()));
         s.time_runs_out(who);
         s.interrupts(who);
         s.completes();
     }},

    // ---- Scopes: the end of a fiber interrupts its children and awaits them.
    {"complete/scope exit", 3, [](stage& s) {
         s.waits_under(s.waits());
         s.completes();
     }},
    {"interrupt/scope exit", 3, [](stage& s) {
         actor& parent = s.waits();
         s.waits_under(parent);
         s.interrupts(parent);
     }},
    // Who interrupts two children may have to call a callback when it takes the first one out.
    {"interrupt/scope exit/complete/callback ends what a child waits for", 1, [](stage& s) {
         actor& parent = s.waits(s.after_signal(s.value()));
         s.waits_under(parent, s.after_signal(s.value()));
         s.waits_under(parent);
         s.callback_ends_signal();
         s.interrupts(parent);
         s.completes();
     }},
    {"interrupt/scope exit/complete", 1, [](stage& s) {
         actor& parent = s.waits();
         s.waits_under(parent);
         s.interrupts(parent);
         s.completes();
     }},

    // ---- A dump looks on.
    {"read/register/complete", 2, [](stage& s) {
         s.reads(s.arrives(s.after_signal(s.value())));
         s.signals();
         s.completes();
     }},
    {"read/complete", 3, [](stage& s) {
         s.reads(s.waits());
         s.completes();
     }},
    {"read/interrupt", 3, [](stage& s) {
         actor& who = s.waits();
         s.reads(who);
         s.interrupts(who);
     }},
    {"read/interrupt/complete", 2, [](stage& s) {
         actor& who = s.waits();
         s.reads(who);
         s.interrupts(who);
         s.completes();
     }},
    {"read/abandon", 3, [](stage& s) {
         s.reads(s.waits());
         s.abandons();
     }},
    {"read under a mask", 2, [](stage& s) {
         actor& who = s.waits(s.masked(s.value()));
         s.reads(who);
         s.interrupts_twice_and_completes(who);
     }},
    {"read/timeout/complete", 2, [](stage& s) {
         actor& who = s.waits(s.limited(s.value()));
         s.reads(who);
         s.time_runs_out(who);
         s.completes();
     }},
    {"read/signal/complete", 2, [](stage& s) {
         actor& who = s.waits(s.until_signal(s.value()));
         s.reads(who);
         s.signals(who);
         s.completes();
     }},
    {"read/scope exit", 2, [](stage& s) {
         actor& parent = s.waits();
         s.waits_under(parent);
         s.reads(parent);
         s.interrupts(parent);
     }},
};

const added these{all};

} // namespace

} // namespace scenario
