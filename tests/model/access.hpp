// The thin line between the checked atomic and the explorer: one function per kind of access.
//
//     bits old = access::modify(address, size, rmw::add, 1, std::memory_order_relaxed, at);
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>

namespace model::detail {

using bits = std::uint64_t;

enum class rmw { exchange, add, sub, bit_and, bit_or, bit_xor };

struct cas_result {
    bits value;
    bool success;
};

/// Every function is a point at which another thread may be scheduled first, and does not
/// return if the access breaks a property.
struct access {
    using order = std::memory_order;
    using site = std::source_location;

    static void construct(void* at, std::size_t size, bits initial);
    static void destroy(void* at);
    static bits load(void* at, std::size_t size, order, const site&);
    static void store(void* at, std::size_t size, bits value, order, const site&);
    static bits modify(void* at, std::size_t size, rmw, bits operand, order, const site&);
    static cas_result compare_exchange(void* at, std::size_t size, bits expected, bits desired, order success,
                                       order failure, bool weak, const site&);
    static void fence(order, const site&);
    static void block(void* at, std::size_t size, bits old, const site&);
    static void await_change(void* at, std::size_t size, bits old);
    static void notify(void* at, std::size_t size, bool all, const site&);
    static void yield();
};

} // namespace model::detail
