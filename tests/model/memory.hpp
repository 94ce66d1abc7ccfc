// The memory model: what a load may return, and what happens before what.
//
// The operational form of RC11 with views. Every location keeps all its stores in modification
// order; every thread keeps, per location, the oldest store it may still read. A release store
// carries the view of its thread and an acquire load joins it, which is happens-before.
//
//     value = memory.load(where, thread, std::memory_order_acquire, choices);
//
// What it leaves out: load buffering (a load never returns a store that is executed later, as
// RC11 forbids), and total orders S that contradict happens-before (C++20 allows them between
// seq_cst and weaker accesses of one location; no program here depends on one).
#pragma once

#include "access.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace model::detail {

inline constexpr std::size_t max_threads = 8;
inline constexpr std::size_t max_locations = 96;

/// Per thread, how much of its past is known: the happens-before relation.
using vector_clock = std::array<std::uint32_t, max_threads>;

/// What a thread, or a message between threads, knows: the newest store of each location it
/// must not go behind, and the vector clock.
struct view {
    std::array<std::uint32_t, max_locations> seen{};
    vector_clock clock{};

    void join(const view& other) noexcept {
        for (std::size_t i = 0; i < seen.size(); ++i) seen[i] = (std::max)(seen[i], other.seen[i]);
        for (std::size_t i = 0; i < clock.size(); ++i) clock[i] = (std::max)(clock[i], other.clock[i]);
    }
};

/// The three views of a thread: what it knows, what its next acquire fence will teach it, and
/// what it knew at its last release fence.
struct thread_views {
    std::size_t thread = 0;
    view now;
    view acquirable;
    view fenced;

    /// Closes an event, so that what the thread does later is not covered by what it published.
    void tick() noexcept { ++now.clock[thread]; }
};

/// Decides wherever the memory model leaves a choice; 0 is what a strong machine would do.
class chooser {
public:
    virtual std::size_t deviate(std::size_t options) = 0;

protected:
    ~chooser() = default;
};

struct store_event {
    bits value = 0;
    std::uint32_t key = 0;  // place in modification order, with room for stores in between
    bool extended = false;  // a read-modify-write follows at once, nothing may come between
    view released;          // what an acquire load of this store learns
};

struct location {
    const void* address = nullptr;
    std::size_t size = 0;
    std::size_t id = 0;
    bool alive = true;
    std::size_t creator = 0;
    std::uint32_t created = 0;
    std::size_t user = 0; // the one thread that has touched it since the threads began, 0 for none
    bool shared = false;  // more than one has, in this schedule or an earlier one
    vector_clock touched{}; // per thread, its last access: all must happen before destruction
    std::vector<store_event> order;

    [[nodiscard]] bits latest() const { return order.back().value; }
};

class memory {
public:
    /// Forgets everything; the buffers stay, so that a million schedules do not allocate.
    void reset();

    [[nodiscard]] location* create(const void* address, std::size_t size, bits initial, thread_views& by);
    [[nodiscard]] location& at(std::size_t id) { return locations_[id]; }
    [[nodiscard]] const location& at(std::size_t id) const { return locations_[id]; }
    [[nodiscard]] std::size_t count() const noexcept { return used_; }

    bits load(location&, thread_views&, std::memory_order, chooser&);
    void store(location&, thread_views&, std::memory_order, bits value, chooser&);
    bits modify(location&, thread_views&, std::memory_order, rmw, bits operand, chooser&);
    cas_result compare_exchange(location&, thread_views&, std::memory_order success, std::memory_order failure,
                                bits expected, bits desired, bool weak, chooser&);
    void fence(thread_views&, std::memory_order);

private:
    [[nodiscard]] std::uint32_t floor(const location&, const thread_views&, std::memory_order) const;
    [[nodiscard]] std::uint32_t room_after(const location&, std::size_t index) const;
    std::vector<std::size_t>& readable(const location&, std::uint32_t floor);
    std::vector<std::size_t>& extendable(const location&, std::uint32_t floor);
    void observe(location&, std::size_t index, thread_views&, std::memory_order);
    void insert(location&, std::size_t after, thread_views&, std::memory_order, bits value, const view* sequence);

    std::vector<location> locations_;
    std::size_t used_ = 0;
    std::vector<std::size_t> candidates_;
    view total_order_; // what the seq_cst operations so far, in the order S, have seen
};

} // namespace model::detail
