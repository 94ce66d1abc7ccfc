// A one-byte lock for critical sections of a few instructions.
//
//     std::lock_guard guard{lock_};
//
// Unlocking is a single store after which the lock is not touched any more, so the object
// that contains it may be destroyed by whoever acquires it next. A std::mutex is several
// times larger and its unlock may still look at the mutex after the store.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/relax.hpp>

namespace coir::inline v0::detail {

class spin_lock {
public:
    void lock() noexcept {
        // acquire: pairs with the release in unlock(), so that the section sees the last one.
        while (locked_.exchange(true, std::memory_order_acquire)) {
            wait();
        }
    }

    void unlock() noexcept { locked_.store(false, std::memory_order_release); }

private:
    void wait() noexcept {
        for (unsigned attempt = 0; locked_.load(std::memory_order_relaxed); ++attempt) {
            relax(attempt);
        }
    }

    atomic<bool> locked_{false};
};

} // namespace coir::inline v0::detail
