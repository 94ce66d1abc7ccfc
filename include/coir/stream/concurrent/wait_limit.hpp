// A deadline for the wait of a stage's consumer.
//
//     switch (status const s = limit_.wait(scope, f, deadline, [&] { return news.pop(from); })) {
//     case status::value: ...                 // look() said true
//     case status::end: ...                   // the deadline has passed first
//     default: return s;                      // pending, cancelled, or how the stage ended
//     }
//
// The timer is armed only if the fiber waits, and once for one wait.
#pragma once

#include <coir/detail/region_timer.hpp>
#include <coir/stream/concurrent/stage_scope.hpp>

#include <utility>

namespace coir::inline v0::detail {

class wait_limit {
public:
    // The deadline of the call that begins to wait counts, until the wait has ended. What is there
    // already counts more than a deadline that has passed. time_point::max() is no limit. is_ahead:
    // the clock was read just now, and the deadline had not passed.
    template <class Look>
    status wait(stage_scope& scope, fiber_base& f, timer::time_point deadline, Look look,
                bool is_ahead = false) noexcept {
        if (!std::exchange(waits_, true)) {
            passed_ = !is_ahead && deadline != (timer::time_point::max)() && deadline <= f.where().now();
            timer_.surround(f);
        }
        bool const nothing_to_wait_for = passed_;
        bool found = false;
        status const s = scope.wait(f, [&] { return (found = look()) || nothing_to_wait_for; });
        if (s == status::pending) {
            if (deadline != (timer::time_point::max)() && !std::exchange(armed_, true)) {
                timer_.arm(deadline);
            }
            return s;
        }
        waits_ = false;
        if (!std::exchange(armed_, false)) {
            timer_.forget();
            return s == status::value && !found ? status::end : s;
        }
        return timer_.leave(s) ? status::end : s;
    }

private:
    region_timer timer_;
    bool waits_ = false;
    bool passed_ = false;
    bool armed_ = false;
};

} // namespace coir::inline v0::detail
