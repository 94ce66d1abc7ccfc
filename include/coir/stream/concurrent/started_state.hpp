// What a concurrent stage needs from its first pull on: one allocation, at a place where it stays,
// so that the stage itself can be moved.
#pragma once

#include <coir/detail/frame_pool.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace coir::inline v0::detail {

template <class State>
class started_state {
public:
    explicit operator bool() const noexcept { return state_ != nullptr; }
    State& operator*() const noexcept { return *state_; }
    State* operator->() const noexcept { return state_.get(); }

    // Once. Throws what allocating or making it throws.
    template <class... Args>
    State& start(Args&&... args) {
        std::unique_ptr<void, release> memory{allocate()};
        state_.reset(::new (memory.get()) State(std::forward<Args>(args)...));
        static_cast<void>(memory.release());
        return *state_;
    }

private:
    static constexpr bool overaligned = alignof(State) > __STDCPP_DEFAULT_NEW_ALIGNMENT__;

    static void* allocate() {
        if constexpr (overaligned) {
            return ::operator new(sizeof(State), std::align_val_t{alignof(State)});
        } else {
            return allocate_frame(sizeof(State));
        }
    }
    struct release {
        void operator()(void* memory) const noexcept {
            if constexpr (overaligned) {
                ::operator delete(memory, std::align_val_t{alignof(State)});
            } else {
                deallocate_frame(memory, sizeof(State));
            }
        }
    };
    struct end {
        void operator()(State* s) const noexcept {
            std::destroy_at(s);
            release{}(s);
        }
    };

    std::unique_ptr<State, end> state_;
};

} // namespace coir::inline v0::detail
