// Atomics that let a test act, on the same thread, just before any of their read-modify-writes:
// as if this thread had been preempted there and another had run for a while.
#pragma once

#include <atomic>

namespace coir_test {

/// What runs before a read-modify-write; nothing by default.
inline void (*preempted)() = [] {};

} // namespace coir_test

namespace coir::inline v0::detail {

template <class T>
class atomic : public std::atomic<T> {
public:
    using std::atomic<T>::atomic;

    bool compare_exchange_weak(T& expected, T desired, std::memory_order ok, std::memory_order failed) noexcept {
        coir_test::preempted();
        return std::atomic<T>::compare_exchange_weak(expected, desired, ok, failed);
    }
    T fetch_or(T bits, std::memory_order order) noexcept {
        coir_test::preempted();
        return std::atomic<T>::fetch_or(bits, order);
    }
};

} // namespace coir::inline v0::detail
