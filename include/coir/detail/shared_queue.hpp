// Work that any worker of a pool may take next: posted from outside, or too much for one.
//
//     queue.push(work);
//     runnable* next = queue.pop();
//
// First in, first out, under a lock of a few instructions; looking whether it is empty is one load.
#pragma once

#include <coir/detail/runnable.hpp>
#include <coir/detail/spin_lock.hpp>

#include <mutex>

namespace coir::inline v0::detail {

class shared_queue {
public:
    void push(runnable& work) noexcept {
        std::lock_guard guard{lock_};
        queue_.push(work);
        filled();
    }

    // Leaves `batch` empty.
    void push_all(runnable_queue& batch) noexcept {
        std::lock_guard guard{lock_};
        queue_.append(batch);
        filled();
    }

    // The oldest, or nothing.
    runnable* pop() noexcept {
        if (empty()) {
            return nullptr;
        }
        std::lock_guard guard{lock_};
        runnable* const work = queue_.pop();
        if (queue_.empty()) {
            empty_.store(true, std::memory_order_relaxed); // later stores are ordered by the lock
        }
        return work;
    }

    // seq_cst, as is the store when it is filled: see idle_workers.
    bool empty() const noexcept { return empty_.load(std::memory_order_seq_cst); }

private:
    void filled() noexcept { empty_.store(queue_.empty(), std::memory_order_seq_cst); }

    spin_lock lock_;
    atomic<bool> empty_{true};
    runnable_queue queue_;
};

} // namespace coir::inline v0::detail
