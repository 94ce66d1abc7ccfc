// The base of a stage whose state begins with the first pull: all but poll_next.
//
// State: made of `(f, args...)`; start() starts its fibers, `scope` is their scope, and
// visit(in, g) calls `g` with the inlet that `in` is and returns what that does.
#pragma once

#include <coir/stream/concurrent/inlet.hpp>
#include <coir/stream/concurrent/started_state.hpp>

#include <concepts>
#include <utility>

namespace coir::inline v0::detail {

template <class State, class E>
class started_stage {
public:
    using error_type = E;

    status poll_close(fiber_base& f) {
        if (!state_) {
            return status::value;
        }
        status const s = state_->scope.poll_close(f);
        if constexpr (!std::same_as<E, never>) {
            if (has_ended(s)) {
                keep_untold(f);
            }
        }
        return s;
    }

    E error()
        requires(!std::same_as<E, never>)
    {
        return visit_end([](auto& in) { return error_as<E>(in.upstream()); });
    }
    std::exception_ptr defect() { return state_ ? state_->scope.defect() : nullptr; }
    fiber_id interrupted_by() {
        return visit_end([](auto& in) { return in.ended_by(); });
    }

protected:
    // For a pull, which may be the first.
    template <class... Args>
    State& started_with(fiber_base& f, Args&&... args) {
        if (!state_) {
            state_.start(f, std::forward<Args>(args)...).start();
        }
        state_->scope.enter(f);
        return *state_;
    }

private:
    // What the consumer did not stay for.
    void keep_untold(fiber_base& f) {
        source_end* const failed = state_->scope.untold_failure();
        if (failed != nullptr && !std::exchange(kept_, true)) {
            state_->visit(static_cast<inlet_base*>(failed),
                          [&f](auto& in) { add_later(f, detail::as_thrown(in.upstream(), status::failure)); });
        }
    }

    template <class G>
    auto visit_end(G g) {
        return state_->visit(static_cast<inlet_base*>(state_->scope.ended_as()), g);
    }

    started_state<State> state_;
    bool kept_ = false; // the failure that nobody was told
};

} // namespace coir::inline v0::detail
