// What a concurrent stage needs from its first pull on: one allocation, at a place where it stays,
// so that the stage itself can be moved.
#pragma once

#include <coir/detail/pooled.hpp>

#include <memory>
#include <utility>

namespace coir::inline v0::detail {

template <class State>
class started_state {
public:
    explicit operator bool() const noexcept { return state_ != nullptr; }
    State& operator*() const noexcept { return state_->state; }
    State* operator->() const noexcept { return &state_->state; }

    // Once. Throws what allocating or making it throws.
    template <class... Args>
    State& start(Args&&... args) {
        state_.reset(new placed(std::forward<Args>(args)...));
        return state_->state;
    }

private:
    struct placed : pooled {
        template <class... Args>
        explicit placed(Args&&... args) : state(std::forward<Args>(args)...) {}
        State state;
    };

    std::unique_ptr<placed> state_;
};

} // namespace coir::inline v0::detail
