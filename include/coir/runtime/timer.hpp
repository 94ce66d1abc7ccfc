// A deadline that a scheduler watches: an intrusive node, armed and disarmed without allocation.
//
//     class my_timer : public coir::timer {
//         bool expire() noexcept override { return claimed_it(); }
//         void finish() noexcept override { resume_somebody(); }
//     };
//
// When it is due the scheduler calls expire() under its timer lock, where the timer decides
// the race for its fiber with one atomic step, and, if that returned true, finish() after the
// lock is released. Whoever then disarms the timer needs the same lock, so after disarm() no
// thread is inside the timer unless expire() had claimed the very fiber that owns it.
#pragma once

#include <coir/detail/std/chrono.hpp>

#include <cstdint>

namespace coir::inline v0 {

class timer_queue;

class timer {
public:
    using time_point = std::chrono::steady_clock::time_point;

    timer() = default;
    timer(timer const&) = delete;
    timer& operator=(timer const&) = delete;

    time_point deadline() const noexcept { return deadline_; }

protected:
    ~timer() = default;

    // Under the timer lock, so: short, and without taking any lock. True: call finish().
    virtual bool expire() noexcept = 0;
    // Without a lock. The timer may be destroyed by another thread while this runs.
    virtual void finish() noexcept = 0;

private:
    friend class timer_queue;

    time_point deadline_{};
    std::uint64_t sequence_ = 0; // equal deadlines fire in the order of arming
    timer* child_ = nullptr;     // pairing heap: first child
    timer* next_ = nullptr;      // next sibling; while due, next in the batch
    timer* prev_ = nullptr;      // previous sibling, or the parent of a first child
    bool armed_ = false;
};

} // namespace coir::inline v0
