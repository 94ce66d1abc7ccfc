// A steady and a system clock that stand still until they are told to go on.
//
//     virtual_clock clock;
//     clock.set(clock.now() + 10h);               // the steady clock; the system clock follows
//     clock.set_system(clock.system_now() - 1h);  // the system clock alone, as an operator would
//
// Both start at the same moment in every run, so that what a test prints is the same too.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/std/chrono.hpp>

namespace coir::inline v0 {

// One thread sets the steady clock; everything else from any thread. The loads and stores are
// relaxed, as a time says nothing about other memory.
class virtual_clock {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using system_time = std::chrono::system_clock::time_point;

    // Not zero, so that a test can name moments before the beginning.
    static constexpr time_point start = time_point{} + std::chrono::hours{24};
    // 2000-01-01 00:00 UTC.
    static constexpr system_time system_start{std::chrono::seconds{946'684'800}};

    time_point now() const noexcept { return start + elapsed(); }
    time_point::duration elapsed() const noexcept {
        return time_point::duration{elapsed_.load(std::memory_order_relaxed)};
    }
    // `t` is not before now().
    void set(time_point t) noexcept { elapsed_.store((t - start).count(), std::memory_order_relaxed); }

    system_time system_now() const noexcept {
        system_time const base{system_time::duration{system_base_.load(std::memory_order_relaxed)}};
        auto const since = std::chrono::duration_cast<system_time::duration>(elapsed());
        return base.time_since_epoch() > system_time::duration::zero() && since > (system_time::max)() - base
                   ? (system_time::max)()
                   : base + since;
    }
    // Forwards or backwards.
    void set_system(system_time t) noexcept {
        auto const since = std::chrono::duration_cast<system_time::duration>(elapsed());
        system_base_.store((t - since).time_since_epoch().count(), std::memory_order_relaxed);
    }

private:
    detail::atomic<time_point::rep> elapsed_{0};
    detail::atomic<system_time::rep> system_base_{system_start.time_since_epoch().count()}; // when elapsed is zero
};

} // namespace coir::inline v0
