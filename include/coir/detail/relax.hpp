// Waiting for another thread that is inside a few instructions: spin a little, then yield, as
// it may have been preempted and with few cores spinning on would keep it so.
#pragma once

#include <coir/detail/config.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <sched.h>
#else
#include <thread>
#endif

namespace coir::inline v0::detail {

inline void relax(unsigned attempt) noexcept {
    constexpr unsigned spins = 64;
    if (attempt < spins) {
        COIR_CPU_PAUSE();
        return;
    }
#if defined(__unix__) || defined(__APPLE__)
    ::sched_yield();
#else
    std::this_thread::yield();
#endif
}

} // namespace coir::inline v0::detail
