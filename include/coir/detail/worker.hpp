// What the current thread runs: its scheduler and its fiber.
#pragma once

#include <coir/detail/config.hpp>

#include <cstdint>
#include <utility>

namespace coir::inline v0 {
class scheduler;
}

namespace coir::inline v0::detail {

class fiber_base;
class callback_round;

struct worker {
    scheduler* current = nullptr;        // null: not a thread of any scheduler
    fiber_base* fiber = nullptr;         // null: between fibers
    unsigned unwinding = 0;              // frames being destroyed by a failure or interruption
    callback_round* callbacks = nullptr; // whose callbacks it is running, the innermost
    callback_round* later = nullptr;     // where callbacks wait that may not run just now
    std::uint64_t next_id = 0;           // of the block of fiber ids that this thread has taken
};

// Not inlined: a compiler may keep the address of a thread-local across a suspension point,
// after which the code can be on another thread (LLVM issue 63022).
COIR_NOINLINE COIR_SHARED inline worker& this_worker() noexcept {
    static constinit thread_local worker w;
    return w;
}

// Marks the current thread as running for `s`. Nests, as a loop run inside another does.
class worker_scope {
public:
    explicit worker_scope(scheduler& s) noexcept
        : here_{&this_worker()}, scheduler_{std::exchange(here_->current, &s)},
          fiber_{std::exchange(here_->fiber, nullptr)}, unwinding_{std::exchange(here_->unwinding, 0U)} {}
    ~worker_scope() {
        here_->current = scheduler_;
        here_->fiber = fiber_;
        here_->unwinding = unwinding_;
    }
    worker_scope(worker_scope const&) = delete;
    worker_scope& operator=(worker_scope const&) = delete;

private:
    worker* here_;
    scheduler* scheduler_;
    fiber_base* fiber_;
    unsigned unwinding_;
};

} // namespace coir::inline v0::detail
