// The checked atomic: what coir::detail::atomic is when the library is compiled with
// -DCOIR_MODEL_ATOMIC='"model_atomic.hpp"'. The interface of std::atomic; every operation is a
// point where the explorer may switch threads, and goes through its memory model.
//
//     coir::detail::atomic<int> flag{0};
//     flag.store(1, std::memory_order_release); // "completer: flag.store(1) release  [x.hpp:12]"
#pragma once

#include "access.hpp"

#include <coir/detail/config.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <source_location>
#include <type_traits>

// The library pauses where it spins, and a thread that spins only wastes schedules.
#undef COIR_CPU_PAUSE
#define COIR_CPU_PAUSE() ::model::detail::access::yield()

namespace coir::inline v0::detail {

/// As std::atomic<T>, for T of up to eight bytes. Outside of an exploration it is plain memory.
template <class T>
class atomic {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));

    using access = ::model::detail::access;
    using bits = ::model::detail::bits;
    using rmw = ::model::detail::rmw;
    using order = std::memory_order;
    using site = std::source_location;
    static constexpr order strongest = std::memory_order_seq_cst;

    struct amount_of_value {
        using type = T;
    };
    struct amount_of_pointer {
        using type = std::ptrdiff_t;
    };
    using difference = typename std::conditional_t<std::is_pointer_v<T>, amount_of_pointer, amount_of_value>::type;

public:
    using value_type = T;
    static constexpr bool is_always_lock_free = true;

    constexpr atomic() noexcept : atomic(T()) {}
    constexpr atomic(T value) noexcept : value_(value) {
        if (!std::is_constant_evaluated()) access::construct(&value_, sizeof(T), to_bits(value));
    }
    constexpr ~atomic() {
        if (!std::is_constant_evaluated()) access::destroy(&value_);
    }
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    [[nodiscard]] bool is_lock_free() const noexcept { return true; }

    T load(order o = strongest, site at = site::current()) const noexcept {
        return to_value(access::load(&value_, sizeof(T), o, at));
    }
    void store(T value, order o = strongest, site at = site::current()) noexcept {
        access::store(&value_, sizeof(T), to_bits(value), o, at);
    }
    T exchange(T value, order o = strongest, site at = site::current()) noexcept {
        return modify(rmw::exchange, to_bits(value), o, at);
    }

    bool compare_exchange_strong(T& expected, T desired, order success, order failure,
                                 site at = site::current()) noexcept {
        return compare(expected, desired, success, failure, false, at);
    }
    bool compare_exchange_strong(T& expected, T desired, order o = strongest, site at = site::current()) noexcept {
        return compare(expected, desired, o, failure_order(o), false, at);
    }
    bool compare_exchange_weak(T& expected, T desired, order success, order failure,
                               site at = site::current()) noexcept {
        return compare(expected, desired, success, failure, true, at);
    }
    bool compare_exchange_weak(T& expected, T desired, order o = strongest, site at = site::current()) noexcept {
        return compare(expected, desired, o, failure_order(o), true, at);
    }

    T fetch_add(difference n, order o = strongest, site at = site::current()) noexcept {
        return modify(rmw::add, scaled(n), o, at);
    }
    T fetch_sub(difference n, order o = strongest, site at = site::current()) noexcept {
        return modify(rmw::sub, scaled(n), o, at);
    }
    T fetch_and(T mask, order o = strongest, site at = site::current()) noexcept {
        return modify(rmw::bit_and, to_bits(mask), o, at);
    }
    T fetch_or(T mask, order o = strongest, site at = site::current()) noexcept {
        return modify(rmw::bit_or, to_bits(mask), o, at);
    }
    T fetch_xor(T mask, order o = strongest, site at = site::current()) noexcept {
        return modify(rmw::bit_xor, to_bits(mask), o, at);
    }

    void wait(T old, order o = strongest, site at = site::current()) const noexcept {
        while (to_bits(load(o, at)) == to_bits(old)) access::block(&value_, sizeof(T), to_bits(old), at);
    }
    void await_change(T old) const noexcept { access::await_change(&value_, sizeof(T), to_bits(old)); }
    void notify_one(site at = site::current()) noexcept { access::notify(&value_, sizeof(T), false, at); }
    void notify_all(site at = site::current()) noexcept { access::notify(&value_, sizeof(T), true, at); }

    operator T() const noexcept { return load(); }
    T operator=(T value) noexcept {
        store(value);
        return value;
    }
    T operator++() noexcept { return static_cast<T>(fetch_add(1) + 1); }
    T operator++(int) noexcept { return fetch_add(1); }
    T operator--() noexcept { return static_cast<T>(fetch_sub(1) - 1); }
    T operator--(int) noexcept { return fetch_sub(1); }
    T operator+=(difference n) noexcept { return static_cast<T>(fetch_add(n) + n); }
    T operator-=(difference n) noexcept { return static_cast<T>(fetch_sub(n) - n); }

private:
    static bits to_bits(T value) noexcept {
        bits all = 0;
        std::memcpy(&all, &value, sizeof(T));
        return all;
    }
    static T to_value(bits all) noexcept {
        T value;
        std::memcpy(static_cast<void*>(&value), &all, sizeof(T));
        return value;
    }
    static bits scaled(difference n) noexcept {
        if constexpr (std::is_pointer_v<T>) {
            return static_cast<bits>(n * static_cast<std::ptrdiff_t>(sizeof(std::remove_pointer_t<T>)));
        } else {
            return to_bits(n);
        }
    }
    static constexpr order failure_order(order success) noexcept {
        if (success == std::memory_order_acq_rel) return std::memory_order_acquire;
        return success == std::memory_order_release ? std::memory_order_relaxed : success;
    }

    T modify(rmw operation, bits operand, order o, const site& at) noexcept {
        return to_value(access::modify(&value_, sizeof(T), operation, operand, o, at));
    }
    bool compare(T& expected, T desired, order success, order failure, bool weak, const site& at) noexcept {
        const auto done =
            access::compare_exchange(&value_, sizeof(T), to_bits(expected), to_bits(desired), success, failure, weak, at);
        if (!done.success) expected = to_value(done.value);
        return done.success;
    }

    // The initial value; what is stored later lives in the explorer, as a history per location.
    // Outside of an exploration, and for static atomics between schedules, it is the value.
    mutable T value_;
};

/// As std::atomic_thread_fence.
inline void atomic_thread_fence(std::memory_order order, std::source_location at = std::source_location::current()) {
    ::model::detail::access::fence(order, at);
}

} // namespace coir::inline v0::detail
