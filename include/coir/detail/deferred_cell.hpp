// The state of a deferred: the waiter list and room for the outcome.
//
// Success without a value is written before anybody can see the cell, so that completing with it,
// as a signal is, takes one atomic operation and not two.
#pragma once

#include <coir/detail/checked.hpp>
#include <coir/detail/deadline.hpp>
#include <coir/detail/parker.hpp>
#include <coir/detail/relax.hpp>
#include <coir/detail/waiter_list.hpp>
#include <coir/runtime/scheduler.hpp>

#include <memory>

namespace coir::inline v0::detail {

// A plain thread that waits at a list.
class thread_waiter final : public waiter {
public:
    using time_point = std::chrono::steady_clock::time_point;

    // True: the list is done or was abandoned. False: `t` passed first.
    static bool wait_until(waiter_list& list, time_point t) {
        thread_waiter self;
        if (list.is_done() || !list.push(self)) {
            return true;
        }
        if (self.parker_.park_until(t)) {
            return true;
        }
        // removed() or fired() comes, whichever thread holds the waiter; it is at it already.
        if (self.state_.exchange(state::leaving, std::memory_order_acq_rel) == state::waiting) {
            list.remove(self);
            self.state_.store(state::left, std::memory_order_release);
        }
        self.parker_.park();
        return !self.removed_;
    }

private:
    enum class state : unsigned char { waiting, leaving, left, woken };

    void fired(firing how) noexcept override {
        // A list that is being destroyed lets a thread that is inside remove() come out first;
        // one that is not yet there does not go in any more.
        if (how.is_abandoned() && state_.exchange(state::woken, std::memory_order_acq_rel) == state::leaving) {
            for (unsigned attempt = 0; state_.load(std::memory_order_acquire) != state::left; ++attempt) {
                relax(attempt);
            }
        }
        parker_.unpark();
    }
    void removed() noexcept override {
        removed_ = true;
        parker_.unpark();
    }

    atomic<state> state_{state::waiting};
    parker parker_;
    bool removed_ = false; // ordered by the parker
};

template <class T, class E>
class deferred_cell {
public:
    using outcome_type = outcome<T, E>;
    using time_point = thread_waiter::time_point;

    deferred_cell() noexcept {
        if constexpr (preset) {
            std::construct_at(&end_, in_place_success);
        }
    }
    deferred_cell(deferred_cell const&) = delete;
    deferred_cell& operator=(deferred_cell const&) = delete;
    ~deferred_cell() {
        bool const done = waiters_.is_done();
        COIR_CHECK(done || !waiters_.is_claimed(), "a deferred was destroyed while it was being completed");
        waiters_.abandon(); // waits for a janitor that is inside
        if (preset || done) {
            std::destroy_at(&end_);
        }
    }

    bool is_done() const noexcept { return waiters_.is_done(); }
    outcome_type const* poll() const noexcept { return is_done() ? &end_ : nullptr; }
    outcome_type& end() noexcept { return end_; }
    waiter_list& waiters() noexcept { return waiters_; }
    std::size_t waiter_count() const noexcept { return waiters_.count(); }

    [[nodiscard]] bool claim() noexcept { return waiters_.claim(); }

    // After claim(), or by the only one who completes: stores what `make` returns, or the
    // exception it throws, and wakes.
    template <class Make>
    void store(Make&& make) noexcept {
        if constexpr (preset) {
            std::destroy_at(&end_);
        }
        try {
            ::new (static_cast<void*>(std::addressof(end_))) outcome_type(make());
        } catch (...) {
            ::new (static_cast<void*>(std::addressof(end_))) outcome_type(outcome_type::died(std::current_exception()));
        }
        waiters_.publish();
    }

    template <class Make>
    bool complete_by(Make&& make) noexcept {
        if (!claim()) {
            return false;
        }
        store(make);
        return true;
    }

    template <class Tag, class... Args>
    bool complete(Tag tag, Args&&... args) noexcept {
        if constexpr (preset && std::same_as<Tag, in_place_success_t>) {
            return waiters_.finish();
        }
        return complete_by([&] { return outcome_type(tag, std::forward<Args>(args)...); });
    }

    bool wait_until(time_point t) {
        throw_if_on_worker();
        return thread_waiter::wait_until(waiters_, t);
    }

    // True for the one caller that may move the value out.
    bool take() noexcept { return !taken_.exchange(true, std::memory_order_relaxed); }

private:
    static constexpr bool preset = std::is_void_v<T>;

    waiter_list waiters_;
    atomic<bool> taken_{false};
    union {
        outcome_type end_; // lives from publish() on, or from the beginning if preset
    };
};

} // namespace coir::inline v0::detail
