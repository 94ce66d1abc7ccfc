// The waiter list of a deferred as anybody would write it first: a mutex and a vector. It says
// what the lock-free one must do; a differential test compares the two.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace coir_test {

/// Waiter: has fired(bool abandoned) and removed(), called without the lock.
template <class Waiter>
class mutex_waiter_list {
public:
    enum class removal { asked, with_waker };

    bool is_done() const {
        std::lock_guard const guard(mutex_);
        return done_;
    }
    bool is_claimed() const {
        std::lock_guard const guard(mutex_);
        return claimed_;
    }
    std::size_t count() const {
        std::lock_guard const guard(mutex_);
        return waiters_.size();
    }

    bool push(Waiter& w) {
        std::lock_guard const guard(mutex_);
        if (!done_) waiters_.push_back(&w);
        return !done_;
    }
    bool claim() {
        std::lock_guard const guard(mutex_);
        return !std::exchange(claimed_, true);
    }
    void publish() { end(false); }
    void abandon() { end(true); }
    bool finish() {
        bool const won = claim();
        if (won) publish();
        return won;
    }

    removal remove(Waiter& w) {
        {
            std::lock_guard const guard(mutex_);
            if (done_) return removal::with_waker;
            std::erase(waiters_, &w);
        }
        w.removed();
        return removal::asked;
    }

private:
    void end(bool abandoned) {
        std::vector<Waiter*> woken;
        {
            std::lock_guard const guard(mutex_);
            if (std::exchange(done_, true)) return;
            claimed_ = true;
            woken.swap(waiters_);
        }
        for (Waiter* const w : woken)
            w->fired(abandoned);
    }

    mutable std::mutex mutex_;
    std::vector<Waiter*> waiters_;
    bool claimed_ = false;
    bool done_ = false;
};

} // namespace coir_test
