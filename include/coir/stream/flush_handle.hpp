// Makes debounce_collect give what it has at once.
//
//     coir::streams::flush_handle flush;
//     auto batches = lines | coir::streams::debounce_collect(300ms, 3s, 100, flush);
//     flush.flush();                                       // from any thread
#pragma once

#include <coir/detail/spin_lock.hpp>

#include <memory>
#include <mutex>

namespace coir::inline v0::streams {

// Copies are handles to the same. One stage listens at a time.
class flush_handle {
    struct shared_state {
        detail::spin_lock lock;
        void (*poke)(void*) noexcept = nullptr;
        void* target = nullptr;
    };

public:
    // Any thread. Does nothing while no stage listens, and none does before its first pull.
    void flush() const noexcept {
        std::lock_guard guard{state_->lock};
        if (state_->poke != nullptr) {
            state_->poke(state_->target);
        }
    }

    // For the stage: while it lives a flush calls poke(target), under the handle's lock.
    class listening {
    public:
        listening(flush_handle const& h, void (*poke)(void*) noexcept, void* target) : state_{h.state_} {
            std::lock_guard guard{state_->lock};
            state_->poke = poke;
            state_->target = target;
        }
        ~listening() {
            std::lock_guard guard{state_->lock};
            state_->poke = nullptr;
        }
        listening(listening const&) = delete;
        listening& operator=(listening const&) = delete;

    private:
        std::shared_ptr<shared_state> state_;
    };

private:
    std::shared_ptr<shared_state> state_ = std::make_shared<shared_state>();
};

} // namespace coir::inline v0::streams
