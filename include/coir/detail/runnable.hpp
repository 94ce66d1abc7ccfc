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
    bool empty() const noexcept { return head_ == nullptr; }

    void push(runnable& r) noexcept {
        r.next = nullptr;
        *tail_ = &r;
        tail_ = &r.next;
    }

    runnable* pop() noexcept {
        runnable* const first = head_;
        if (first != nullptr) {
            head_ = first->next;
            if (head_ == nullptr) {
                tail_ = &head_;
            }
        }
        return first;
    }

    // Moves everything from `other` to the end of this queue.
    void append(runnable_queue& other) noexcept {
        if (other.empty()) {
            return;
        }
        *tail_ = other.head_;
        tail_ = other.tail_;
        other.head_ = nullptr;
        other.tail_ = &other.head_;
    }

    runnable_queue() = default;
    runnable_queue(runnable_queue const&) = delete;
    runnable_queue& operator=(runnable_queue const&) = delete;

private:
    runnable* head_ = nullptr;
    runnable** tail_ = &head_;
};

} // namespace coir::inline v0::detail
