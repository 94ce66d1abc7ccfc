// The links of a fiber that a group of owned fibers keeps, of those that are being asked to end,
// and of those that wait for the end of others.
#pragma once

#include <coir/detail/waiting_line.hpp>

#include <cstdint>
#include <utility>

namespace coir::inline v0::detail {

// A fiber of a group: lives in its control block.
class owned_member {
public:
    explicit owned_member(fiber_base& f) noexcept : fiber_{&f} {}
    owned_member(owned_member const&) = delete;
    owned_member& operator=(owned_member const&) = delete;

    fiber_base& get_fiber() const noexcept { return *fiber_; }
    bool has_entry() const noexcept { return has_entry_; } // under the lock

protected:
    ~owned_member() = default;

private:
    friend class owned_fibers;
    friend class frozen_members;

    fiber_base* fiber_;
    owned_member* older_ = nullptr;
    owned_member* newer_ = nullptr;
    owned_member* next_frozen_ = nullptr;
    owned_member* successor_ = nullptr; // has joined, and is posted when this one has ended
    std::uint64_t number_ = 0;
    bool has_entry_ = false;
};

// A fiber that waits for members to end: all that have joined up to a number.
class owned_waiter : public line_waiter {
protected:
    owned_waiter() = default;
    owned_waiter(owned_waiter&&) = default;
    ~owned_waiter() = default;

private:
    friend class owned_fibers;

    std::uint64_t up_to_ = 0;
};

// Members that were frozen under the lock are asked to end when it is free again: declared
// before the lock is taken. A frozen fiber cannot end, so it stays valid until then.
class frozen_members {
public:
    frozen_members() = default;
    frozen_members(frozen_members const&) = delete;
    frozen_members& operator=(frozen_members const&) = delete;
    ~frozen_members() {
        while (first_ != nullptr) {
            owned_member* const m = std::exchange(first_, first_->next_frozen_);
            m->fiber_->finish_cancel();
        }
    }

    // Under the lock.
    void add(owned_member& m, fiber_id by) noexcept {
        if (static_cast<nursery_member&>(*m.fiber_).interrupt_member(by)) {
            m.next_frozen_ = nullptr;
            *last_ = &m;
            last_ = &m.next_frozen_;
        }
    }

private:
    owned_member* first_ = nullptr;
    owned_member** last_ = &first_;
};

} // namespace coir::inline v0::detail
