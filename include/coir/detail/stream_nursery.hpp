// The fibers that a stream owns.
//
// They are no fiber's children: a stream may be pulled by one fiber and then by another, and is
// closed by whichever has it then. So that dumps show them, the nurseries of streams are in a chain
// that the fibers of their scheduler head. It changes under the lock of those, and a nursery with
// a member never leaves it, on which nursery_walk relies.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/nursery.hpp>

#include <cstdint>
#include <mutex>

namespace coir::inline v0::detail {

class stream_nursery : public nursery {
public:
    stream_nursery() noexcept { of_a_stream_ = true; }

    bool is_shown() const noexcept { return previous_ != nullptr; }

    // O(1).
    void show(nursery& fibers_of_scheduler) noexcept {
        shown_in_ = previous_ = &fibers_of_scheduler;
        std::lock_guard const guard{shown_in_->lock_};
        next_ = shown_in_->next_;
        if (next_ != nullptr) {
            static_cast<stream_nursery*>(next_)->previous_ = this;
        }
        shown_in_->next_ = this;
    }
    // Without members.
    void hide() noexcept {
        std::lock_guard const guard{shown_in_->lock_};
        previous_->next_ = next_;
        if (next_ != nullptr) {
            static_cast<stream_nursery*>(next_)->previous_ = previous_;
        }
        previous_ = nullptr;
    }

    // Who pulls, and is their parent in a dump. relaxed: it is for the reader only.
    void set_consumer(fiber_id f) noexcept { consumer_.store(f.value, std::memory_order_relaxed); }
    fiber_id consumer() const noexcept { return fiber_id{consumer_.load(std::memory_order_relaxed)}; }

private:
    nursery* shown_in_ = nullptr;
    nursery* previous_ = nullptr;
    atomic<std::uint64_t> consumer_{0};
};

} // namespace coir::inline v0::detail
