// What a scheduler runs: an intrusive node and a function, no allocation, one pointer to post.
#pragma once

namespace coir::inline v0::detail {

struct runnable {
    using function = void (*)(runnable&) noexcept;

    explicit runnable(function f) noexcept : run{f} {}
    runnable(runnable const&) = delete;
    runnable& operator=(runnable const&) = delete;

    runnable* next = nullptr; // belongs to whoever holds the runnable: a ready queue, a batch
    function run;

protected:
    ~runnable() = default;
};

// FIFO of runnables, for one thread or under a lock. Every operation is O(1).
class runnable_queue {
public:
    bool empty() const noexcept { return oldest_ == nullptr; }

    void push(runnable& r) noexcept {
        r.next = nullptr;
        (oldest_ != nullptr ? newest_->next : oldest_) = &r;
        newest_ = &r;
    }

    runnable* pop() noexcept {
        runnable* const first = oldest_;
        if (first != nullptr) {
            oldest_ = first->next;
        }
        return first;
    }

    // The last to be popped of what is in the queue now, which is not empty.
    runnable* newest() const noexcept { return newest_; }

    // Moves everything from `other` to the end of this queue.
    void append(runnable_queue& other) noexcept {
        if (other.empty()) {
            return;
        }
        (oldest_ != nullptr ? newest_->next : oldest_) = other.oldest_;
        newest_ = other.newest_;
        other.oldest_ = nullptr;
    }

    runnable_queue() = default;
    runnable_queue(runnable_queue const&) = delete;
    runnable_queue& operator=(runnable_queue const&) = delete;

private:
    runnable* oldest_ = nullptr;
    runnable* newest_ = nullptr; // valid when there is an oldest
};

} // namespace coir::inline v0::detail
