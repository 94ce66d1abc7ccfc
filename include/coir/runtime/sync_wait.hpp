// Runs a task from plain code: on a fresh run_loop on the calling thread.
//
//     coir::outcome<int, error> end = coir::sync_wait(compute());
#pragma once

#include <coir/runtime/run_loop.hpp>

namespace coir::inline v0 {

// Returns how `work` ended, after its children and daemons have ended too. Throws
// would_deadlock on a thread that runs fibers.
template <class Work, class... Args>
auto sync_wait(Work&& work, Args&&... args) {
    detail::throw_if_on_worker();
    run_loop loop;
    return loop.run(std::forward<Work>(work), std::forward<Args>(args)...);
}

} // namespace coir::inline v0
