// What reaches a test's scheduler from other threads, and the promise that something will.
//
//     auto const callback = scheduler.expect_external();   // until it is destroyed, a run that has
//     start_the_library_that_calls_back();                 // nothing to do waits instead of failing
#pragma once

#include <coir/detail/parker.hpp>
#include <coir/detail/runnable.hpp>
#include <coir/detail/spin_lock.hpp>

#include <memory>
#include <mutex>
#include <utility>

namespace coir::inline v0::detail {

// Posts from any thread; one thread collects them and sleeps in between.
class inbox {
public:
    void post(runnable& work) noexcept {
        change([&] { posted_.push(work); });
    }
    // A timer was armed: whoever sleeps has a deadline to go to.
    void nudge() noexcept {
        change([] {});
    }
    void expect() noexcept {
        std::lock_guard guard{lock_};
        ++expected_;
    }
    void expect_no_more() noexcept {
        change([&] { --expected_; });
    }

    void collect(runnable_queue& into) noexcept {
        std::lock_guard guard{lock_};
        into.append(posted_);
    }

    // Sleeps until there may be something to do. False: there is not, and nothing is expected.
    // The deadlines are looked at under the lock, before a nudge() that would be missed.
    template <class HasDeadline>
    bool wait(HasDeadline has_deadline) noexcept {
        {
            std::lock_guard guard{lock_};
            if (!posted_.empty() || has_deadline()) {
                return true;
            }
            if (expected_ == 0) {
                return false;
            }
            sleeping_ = true;
        }
        parker_.park();
        return true;
    }

private:
    // Exactly one change unparks a sleep; the others do not touch the inbox after their unlock.
    template <class Change>
    void change(Change make) noexcept {
        bool wake = false;
        {
            std::lock_guard guard{lock_};
            make();
            wake = std::exchange(sleeping_, false);
        }
        if (wake) {
            parker_.unpark();
        }
    }

    spin_lock lock_;
    runnable_queue posted_;
    unsigned expected_ = 0;
    bool sleeping_ = false;
    parker parker_;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// While one exists, a run that has nothing to do waits for another thread. Move-only; may be
// destroyed on any thread, and after the scheduler, so that the other thread can hold it.
class [[nodiscard]] expected_external {
public:
    explicit expected_external(std::shared_ptr<detail::inbox> at) noexcept : at_{std::move(at)} { at_->expect(); }
    expected_external(expected_external&&) noexcept = default;
    expected_external& operator=(expected_external other) noexcept {
        std::swap(at_, other.at_);
        return *this;
    }
    ~expected_external() {
        if (at_) {
            at_->expect_no_more();
        }
    }

private:
    std::shared_ptr<detail::inbox> at_;
};

} // namespace coir::inline v0
