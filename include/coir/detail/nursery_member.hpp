// Who is in a nursery, and who waits until the members have left.
#pragma once

#include <coir/outcome.hpp>

namespace coir::inline v0::detail {

class nursery;
class nursery_walk;

class nursery_member {
public:
    nursery_member() = default;
    nursery_member(nursery_member const&) = delete;
    nursery_member& operator=(nursery_member const&) = delete;

    // Asks the member to end. Any thread; under the lock of the nursery, so it takes no lock and
    // wakes nobody. True: the member is frozen, and stays so until finish_interrupt() is called.
    virtual bool interrupt_member(fiber_id by) noexcept = 0;
    // The rest of it, without a lock. The member may be gone on return.
    virtual void finish_interrupt() noexcept = 0;

protected:
    ~nursery_member() = default;

private:
    friend class nursery;
    friend class nursery_walk;

    nursery_member* older_ = nullptr;
    nursery_member* newer_ = nullptr;
    nursery_member* next_frozen_ = nullptr;
    void const* under_ = nullptr; // the frame that forked it
    bool awaited_ = false;
};

// Who waits for members to end.
class nursery_waiter {
public:
    // Called once, by the last member awaited, without a lock.
    virtual void nursery_quiet() noexcept = 0;

protected:
    ~nursery_waiter() = default;
};

// One of any number who wait until all members have left. A member among them does not wait for
// itself, nor for members that wait like this too.
class nursery_joiner : public nursery_waiter {
public:
    // `self`: its own membership, or null. `stops`: members that join meanwhile are interrupted.
    void prepare(nursery_member* self, bool stops, fiber_id by) noexcept {
        self_ = self;
        stops_ = stops;
        by_ = by;
    }

protected:
    ~nursery_joiner() = default;

private:
    friend class nursery;

    nursery_joiner* next_ = nullptr;
    nursery_member* self_ = nullptr;
    bool stops_ = false;
    fiber_id by_;
};

} // namespace coir::inline v0::detail
