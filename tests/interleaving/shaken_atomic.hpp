// Atomics that now and then let other threads go first, just before a read-modify-write, so that
// a stress test meets in seconds what it would meet in hours.
#pragma once

#include <coir/detail/config.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace coir_test {

// Not inlined: a compiler may keep the address of a thread-local across a suspension.
COIR_NOINLINE inline void shake() noexcept {
    static std::atomic<std::uint64_t> threads{0};
    static thread_local std::uint64_t random = 0x9e3779b97f4a7c15U * ++threads;
    random ^= random << 13U;
    random ^= random >> 7U;
    random ^= random << 17U;
    if (random % 512 == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds{random >> 58U});
    } else if (random % 32 == 0) {
        std::this_thread::yield();
    }
}

} // namespace coir_test

namespace coir::inline v0::detail {

template <class T>
class atomic : public std::atomic<T> {
    using base = std::atomic<T>;

public:
    using base::base;

    template <class... Orders>
    bool compare_exchange_weak(T& expected, T desired, Orders... orders) noexcept {
        coir_test::shake();
        return base::compare_exchange_weak(expected, desired, orders...);
    }
    template <class... Orders>
    bool compare_exchange_strong(T& expected, T desired, Orders... orders) noexcept {
        coir_test::shake();
        return base::compare_exchange_strong(expected, desired, orders...);
    }
    template <class... Order>
    T exchange(T desired, Order... order) noexcept {
        coir_test::shake();
        return base::exchange(desired, order...);
    }
    template <class Bits, class... Order>
    T fetch_or(Bits bits, Order... order) noexcept {
        coir_test::shake();
        return base::fetch_or(bits, order...);
    }
    template <class Bits, class... Order>
    T fetch_and(Bits bits, Order... order) noexcept {
        coir_test::shake();
        return base::fetch_and(bits, order...);
    }
};

} // namespace coir::inline v0::detail
