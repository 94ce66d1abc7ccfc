// Blocks one thread until another lets it go on: a token that is present or not.
//
//     parker p;
//     p.park();                    // its one thread: waits for the token and takes it
//     p.park_until(deadline);      // the same, up to a deadline
//     p.unpark();                  // any thread: makes the token present, once however often
//
// What was written before unpark() is visible after the park() that took its token. The parked
// thread may destroy the parker as soon as it has the token: unpark() does not read or write it
// after that. On Linux a futex with an absolute monotonic deadline; elsewhere a mutex and a
// condition variable.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/std/chrono.hpp>

#if defined(COIR_MODEL_PARKER)
#include <coir/detail/relax.hpp>
#elif COIR_HAS_FUTEX
#include <coir/detail/std/algorithm.hpp>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <condition_variable>
#include <mutex>
#include <utility>
#endif

namespace coir::inline v0::detail {

#if defined(COIR_MODEL_PARKER)

// Where a model checker schedules the threads nobody can sleep, and no time passes: of deadlines
// there are those that have passed, time_point::min(), and those that never will.
class parker {
public:
    using time_point = std::chrono::steady_clock::time_point;

    void park() noexcept {
        while (!token_.load(std::memory_order_acquire)) {
            relax(0);
        }
        token_.store(false, std::memory_order_relaxed);
    }
    bool park_until(time_point deadline) noexcept {
        if (deadline == (time_point::min)()) {
            return token_.exchange(false, std::memory_order_acquire);
        }
        park();
        return true;
    }
    void unpark() noexcept { token_.store(true, std::memory_order_release); }

private:
    atomic<bool> token_{false};
};

#elif COIR_HAS_FUTEX

//     empty --unpark--> token --park--> empty        (nobody sleeps, no system call)
//     empty --park--> parked --unpark--> token --the sleeper--> empty
//                     parked --deadline--> empty
class parker {
public:
    using time_point = std::chrono::steady_clock::time_point;

    parker() = default;
    parker(parker const&) = delete;
    parker& operator=(parker const&) = delete;

    void park() noexcept {
        if (!announce()) {
            return;
        }
        do {
            sleep(nullptr);
        } while (!take());
    }

    // True: took the token. False: the deadline has passed, and there was none.
    bool park_until(time_point deadline) noexcept {
        if (!announce()) {
            return true;
        }
        kernel_time const until{deadline};
        do {
            if (!sleep(&until)) {
                // The token may have come since. acquire: see take().
                return state_.exchange(empty, std::memory_order_acquire) == token;
            }
        } while (!take());
        return true;
    }

    void unpark() noexcept {
        // release: pairs with the acquire of whoever takes the token.
        if (state_.exchange(token, std::memory_order_release) == parked) {
            wake();
        }
    }

private:
    static constexpr std::uint32_t empty = 0;
    static constexpr std::uint32_t token = 1;
    static constexpr std::uint32_t parked = 2;

    // The kernel's own layout for this call, which is not the C library's where time_t is
    // wider than long.
    struct kernel_time {
        explicit kernel_time(time_point at) noexcept {
            using namespace std::chrono;
            auto const since_boot = (std::max)(at.time_since_epoch(), time_point::duration::zero());
            auto const whole = duration_cast<seconds>(since_boot);
            auto const longest = static_cast<seconds::rep>((std::numeric_limits<long>::max)());
            sec = static_cast<long>((std::min)(whole.count(), longest));
            nsec = static_cast<long>(duration_cast<nanoseconds>(since_boot - whole).count());
        }
        long sec;
        long nsec;
    };

    // False: there was a token, which is taken now.
    bool announce() noexcept {
        std::uint32_t seen = empty;
        if (state_.compare_exchange_strong(seen, parked, std::memory_order_acquire)) {
            return true;
        }
        // Only unpark() leaves a token, and only this thread takes it.
        return !take();
    }

    bool take() noexcept {
        std::uint32_t seen = token;
        // acquire: pairs with the release in unpark().
        return state_.compare_exchange_strong(seen, empty, std::memory_order_acquire);
    }

    // False: the deadline has passed. May return for no reason.
    bool sleep(kernel_time const* until) noexcept {
        auto const r = ::syscall(SYS_futex, address(), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, parked, until, nullptr,
                                 FUTEX_BITSET_MATCH_ANY);
        return r == 0 || errno != ETIMEDOUT;
    }

    // The parker may be gone by now: the kernel takes the address for a key and does not read it.
    void wake() noexcept { ::syscall(SYS_futex, address(), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1); }

    void* address() noexcept {
        static_assert(sizeof state_ == sizeof(std::uint32_t), "a futex is 32 bits");
        return &state_;
    }

    atomic<std::uint32_t> state_{empty};
};

#else

class parker {
public:
    using time_point = std::chrono::steady_clock::time_point;

    parker() = default;
    parker(parker const&) = delete;
    parker& operator=(parker const&) = delete;

    void park() noexcept {
        std::unique_lock lock{mutex_};
        arrived_.wait(lock, [this] { return token_; });
        token_ = false;
    }

    // True: took the token. False: the deadline has passed, and there was none.
    bool park_until(time_point deadline) noexcept {
        if (deadline == (time_point::max)()) { // overflows in some implementations' wait_until
            park();
            return true;
        }
        std::unique_lock lock{mutex_};
        arrived_.wait_until(lock, deadline, [this] { return token_; });
        return std::exchange(token_, false);
    }

    void unpark() noexcept {
        std::lock_guard lock{mutex_};
        token_ = true;
        arrived_.notify_one(); // under the lock: afterwards the parker may be gone
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    bool token_ = false;
};

#endif

} // namespace coir::inline v0::detail
