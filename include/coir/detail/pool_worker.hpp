// One thread of a pool, as the others see it, and the thread's way to find it.
#pragma once

#include <coir/detail/idle_workers.hpp>
#include <coir/detail/work_deque.hpp>

#include <cstdint>

namespace coir::inline v0::detail {

class pool_core;

struct pool_worker : sleeper {
    // What was posted on this thread, the newest at the end where its owner takes it.
    work_deque ready;

    // For the thread alone.
    pool_core* pool = nullptr;
    runnable* running = nullptr;
    std::uint32_t tick = 0;
    std::uint32_t newest_in_a_row = 0;
    std::uint64_t random = 0;
};

// Null on a thread of no pool. Not inlined: see this_worker().
COIR_NOINLINE COIR_SHARED inline pool_worker*& this_pool_worker() noexcept {
    static constinit thread_local pool_worker* w = nullptr;
    return w;
}

} // namespace coir::inline v0::detail
