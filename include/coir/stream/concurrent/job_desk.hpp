// Where the fiber that pulls upstream puts an element, and the first worker that is free takes it.
//
// The desk holds one element. It is written by the feeder while it is not full, and moved out by
// the worker that has it, both without the lock; whose it is, is under the lock of the stage.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/stream/concurrent/stage_scope.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

namespace coir::inline v0::detail {

template <class T>
class job_desk;

// The stream of a worker: the elements that it gets. Ends when the feeder has ended.
template <class T>
class job_source : public plain_source {
public:
    using value_type = T;

    explicit job_source(job_desk<T>& desk) noexcept;
    job_source(job_source&& other) noexcept : job_source{*other.desk_} {} // before it is pulled

    status poll_next(fiber_base& f, std::optional<T>& out);

    // Of the element it gave last: 0, 1, 2... in the order of upstream.
    std::size_t number() const noexcept { return number_; }

private:
    friend class job_desk<T>;

    job_desk<T>* desk_;
    guarded_wait wait_;
    job_source* next_idle_ = nullptr;
    std::size_t number_ = 0;
    bool idle_ = false;
};

template <class T>
class job_desk {
public:
    explicit job_desk(stage_scope& scope) noexcept : scope_{scope}, room_{scope.lock(), "a free worker"} {}

    // ---- For the feeder.
    std::optional<T>& place() noexcept { return place_; }

    // Hands over what is in place(). value: it was taken.
    status offer(fiber_base& f) noexcept {
        wake_batch wakes;
        status const s = room_.poll_until_claimed(f, [&] {
            if (!std::exchange(offered_, true)) {
                state_ = state::full;
                wakes.add(claim_idle());
            }
            return state_ == state::empty;
        });
        offered_ = offered_ && !has_ended(s);
        return s;
    }

    // It is on the desk already.
    bool is_offered() const noexcept { return offered_; }
    // A worker waits for it. Without the lock: only the feeder takes workers from the list, and a
    // worker that has come into it just now, and is not seen yet, is one too many at worst.
    bool has_idle() const noexcept { return idle_.load(std::memory_order_relaxed) != nullptr; }

    // There will be no further one.
    void close() noexcept {
        wake_batch wakes;
        std::lock_guard const guard{scope_.lock()};
        closed_ = true;
        while (has_idle()) {
            wakes.add(claim_idle());
        }
    }

private:
    friend class job_source<T>;

    enum class state : unsigned char { empty, full, being_taken };

    // Under the lock. Null: none is idle.
    fiber_base* claim_idle() noexcept {
        job_source<T>* const first = idle_.load(std::memory_order_relaxed);
        if (first == nullptr) {
            return nullptr;
        }
        idle_.store(first->next_idle_, std::memory_order_relaxed);
        first->idle_ = false;
        return first->wait_.claim();
    }

    // Under the lock: whether `who` need not wait.
    bool look(job_source<T>& who, bool& got) noexcept {
        got = state_ == state::full;
        if (got) {
            state_ = state::being_taken;
            who.number_ = given_++;
        } else if (!closed_ && !std::exchange(who.idle_, true)) {
            who.next_idle_ = idle_.load(std::memory_order_relaxed);
            idle_.store(&who, std::memory_order_relaxed);
        }
        return got || closed_;
    }

    void fetch(std::optional<T>& out) {
        out.emplace(std::move(*place_));
        place_.reset();
        wake_batch wakes;
        std::lock_guard const guard{scope_.lock()};
        state_ = state::empty;
        wakes.add(room_.claim());
    }

    stage_scope& scope_;
    guarded_wait room_;
    std::optional<T> place_;
    atomic<job_source<T>*> idle_{nullptr}; // written under the lock
    std::size_t given_ = 0;
    state state_ = state::empty;
    bool closed_ = false;
    bool offered_ = false; // the feeder's own
};

template <class T>
job_source<T>::job_source(job_desk<T>& desk) noexcept
    : desk_{&desk}, wait_{desk.scope_.lock(), "an element to work on"} {}

template <class T>
status job_source<T>::poll_next(fiber_base& f, std::optional<T>& out) {
    bool got = false;
    status const s = wait_.poll(f, [&] { return desk_->look(*this, got); });
    if (s != status::value) {
        return s;
    }
    if (!got) {
        return status::end;
    }
    if (f.cancel_requested()) { // since it was woken; nothing is begun in a stage that has ended
        return status::cancelled;
    }
    desk_->fetch(out);
    return status::value;
}

} // namespace coir::inline v0::detail
