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

// Copies are handles to the same, and any number of stages may have one: a flush reaches them all.
class flush_handle {
public:
    class listening;

private:
    struct shared_state {
        detail::spin_lock lock;
        listening* first = nullptr; // of those that listen
    };

public:
    // Any thread. Does nothing while no stage listens, and none does before its first pull. O(stages
    // that listen).
    void flush() const noexcept {
        std::lock_guard guard{state_->lock};
        for (listening* l = state_->first; l != nullptr; l = l->next_) {
            l->poke_(l->target_);
        }
    }

    // For the stage: while it lives a flush calls poke(target), under the handle's lock.
    class listening {
    public:
        listening(flush_handle const& h, void (*poke)(void*) noexcept, void* target)
            : state_{h.state_}, poke_{poke}, target_{target} {
            std::lock_guard guard{state_->lock};
            next_ = state_->first;
            state_->first = this;
        }
        ~listening() {
            std::lock_guard guard{state_->lock};
            listening** at = &state_->first;
            while (*at != this) {
                at = &(*at)->next_;
            }
            *at = next_;
        }
        listening(listening const&) = delete;
        listening& operator=(listening const&) = delete;

    private:
        friend flush_handle;

        std::shared_ptr<shared_state> state_;
        void (*poke_)(void*) noexcept;
        void* target_;
        listening* next_ = nullptr; // under the lock
    };

private:
    std::shared_ptr<shared_state> state_ = std::make_shared<shared_state>();
};

} // namespace coir::inline v0::streams
