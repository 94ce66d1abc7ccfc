// The rules an interruptible handler must not break, as switches: the tests turn each off and see
// that somebody notices. Programs use sound_rules.
#pragma once

namespace chat {

struct sound_rules {
    // The terminal event and the next request wait for the end of the request's fiber. Else
    // deltas follow their request's end, and clean-up overlaps with the next request.
    static constexpr bool waits_for_the_end = true;
    // Else what is delivered between the look and the end is missing from `partial`.
    static constexpr bool reads_partial_after_the_end = true;
    // "I have ended" of an earlier request must not end the one that runs now.
    static constexpr bool ignores_stale_ends = true;
    // A failed request is over. Else the next input interrupts it once more.
    static constexpr bool forgets_failed_requests = true;
    // Else an input is lost when the next one comes before the first word of the answer.
    static constexpr bool asks_unanswered_inputs_again = true;
    // Else the model does not know what it said before it was cut off.
    static constexpr bool keeps_the_partial_answer = true;
    // Else continuous typing starves the request.
    static constexpr bool bounds_the_wait = true;
};

} // namespace chat
