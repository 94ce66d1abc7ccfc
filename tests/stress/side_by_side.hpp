// For threads that do short things to the same objects at the same time: random numbers, a barrier
// and a pace that cost less than what they are for.
#pragma once

#include <coir/detail/relax.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace coir_test {

/// xorshift64*: the tests draw more numbers than they do anything else.
class dice {
public:
    explicit dice(std::uint64_t seed) noexcept : state_{(seed + 1) * 0x9e3779b97f4a7c15U | 1U} {}
    std::size_t below(std::size_t n) noexcept {
        state_ ^= state_ >> 12U;
        state_ ^= state_ << 25U;
        state_ ^= state_ >> 27U;
        return static_cast<std::size_t>((((state_ * 0x2545f4914f6cdd1dU) >> 32U) * n) >> 32U);
    }

private:
    std::uint64_t state_;
};

/// A barrier without a system call, for threads that arrive nearly at once.
class spin_barrier {
public:
    explicit spin_barrier(std::size_t threads) noexcept : threads_{threads} {}

    void arrive_and_wait() noexcept {
        std::size_t const phase = phase_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
            arrived_.store(0, std::memory_order_relaxed);
            phase_.store(phase + 1, std::memory_order_release);
            return;
        }
        for (unsigned attempt = 0; phase_.load(std::memory_order_acquire) == phase; ++attempt) {
            coir::detail::relax(attempt);
        }
    }

private:
    std::size_t threads_;
    std::atomic<std::size_t> arrived_{0};
    std::atomic<std::size_t> phase_{0};
};

/// Lets threads begin an item together if they are near each other, and never waits for long.
/// relaxed: it must order nothing, or it would hide what the list does not order.
class pace {
public:
    explicit pace(std::size_t threads) : at_(threads) {}

    void begin(std::size_t thread, std::size_t item, dice& random) noexcept {
        at_[thread].item.store(item, std::memory_order_relaxed);
        for (place const& other : at_) {
            for (unsigned i = 0; i < 60 && other.item.load(std::memory_order_relaxed) < item; ++i) {
                COIR_CPU_PAUSE();
            }
        }
        for (std::size_t i = random.below(4); i > 0; --i) {
            COIR_CPU_PAUSE();
        }
    }

private:
    struct alignas(64) place {
        std::atomic<std::size_t> item{0};
    };
    std::vector<place> at_;
};

} // namespace coir_test
