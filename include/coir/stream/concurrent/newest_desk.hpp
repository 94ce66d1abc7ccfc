// Where the fiber that pulls upstream puts an element and never waits; another fiber works on the
// newest of them, and is given up when there is a newer one.
//
// There are three places: one is written, one is ready, one is being used. Which is which, is under
// the lock of the stage.
#pragma once

#include <coir/detail/region.hpp>
#include <coir/stream/concurrent/stage_scope.hpp>

#include <optional>
#include <utility>

namespace coir::inline v0::detail {

template <class T>
class newest_desk {
public:
    explicit newest_desk(stage_scope& scope) noexcept : scope_{scope}, wait_{scope.lock(), "an element to switch to"} {}

    stage_scope& scope() const noexcept { return scope_; }

    // ---- For who pulls upstream.
    std::optional<T>& place() noexcept { return places_[written_]; }

    // What is in place() is the newest. An inner stream that runs is given up. `more()`, under the
    // lock, gives somebody else who is to be woken.
    template <class More>
    void put(More more) noexcept {
        fiber_base* frozen = nullptr;
        {
            wake_batch wakes;
            std::lock_guard const guard{scope_.lock()};
            std::swap(written_, ready_);
            is_fresh_ = true;
            wakes.add(wait_.claim());
            wakes.add(more());
            if (runner_ != nullptr && runner_->cancel_region(region_)) {
                frozen = runner_;
            }
        }
        if (frozen != nullptr) {
            frozen->finish_cancel();
        }
    }
    void close() noexcept {
        wake_batch wakes;
        std::lock_guard const guard{scope_.lock()};
        closed_ = true;
        wakes.add(wait_.claim());
    }

    // ---- For who runs the inner stream.

    // value: current() is a new one; end: there will be none.
    status next(fiber_base& f) noexcept {
        bool got = false;
        status const s = wait_.poll(f, [&] {
            got = is_fresh_;
            if (got) {
                std::swap(ready_, used_);
                is_fresh_ = false;
            }
            return got || closed_;
        });
        return s == status::value && !got ? status::end : s;
    }
    T& current() noexcept { return *places_[used_]; }

    // A pull begins, unless there is a newer element.
    bool enter(fiber_base& f) noexcept {
        region_.cancelled.store(false, std::memory_order_relaxed);
        f.push_region(region_);
        {
            std::lock_guard const guard{scope_.lock()};
            if (!is_fresh_) {
                runner_ = &f;
                return true;
            }
        }
        f.pop_region(region_);
        return false;
    }
    // It has ended. True: there is a newer element.
    bool leave(fiber_base& f) noexcept {
        bool fresh = false;
        {
            std::lock_guard const guard{scope_.lock()};
            runner_ = nullptr; // nobody cancels the region any more
            fresh = is_fresh_;
        }
        f.pop_region(region_);
        return fresh;
    }

    // Under the lock.
    bool is_fresh() const noexcept { return is_fresh_; }

private:
    stage_scope& scope_;
    guarded_wait wait_;
    std::optional<T> places_[3];
    unsigned written_ = 0;
    unsigned ready_ = 1;
    unsigned used_ = 2;
    fiber_base* runner_ = nullptr; // its region may be cancelled
    region region_;
    bool is_fresh_ = false;
    bool closed_ = false;
};

} // namespace coir::inline v0::detail
