// A buffer between two sides that have their own pace.
//
//     camera | streams::buffer(16)                     // up to 16 ahead, then upstream waits
//     camera | streams::buffer(coir::sliding(1))       // the newest; upstream never waits
//     events | streams::buffer(coir::dropping(100))    // what does not fit is dropped
#pragma once

#include <coir/detail/queue_pop.hpp>
#include <coir/detail/queue_push.hpp>
#include <coir/stream/concurrent/pump.hpp>
#include <coir/stream/concurrent/stage_scope.hpp>
#include <coir/stream/concurrent/started_state.hpp>

#include <concepts>
#include <optional>
#include <utility>

namespace coir::inline v0::detail {

// Pulls upstream into a queue, which it closes at the end: what came before is delivered first.
template <class Up>
class buffer_pump final : public source_end, public stream_pump<Up, buffer_pump<Up>> {
    using base = stream_pump<Up, buffer_pump<Up>>;
    using element = typename Up::value_type;

public:
    buffer_pump(stage_scope& scope, queue_core<element, never>& to, fiber_base& puller, Up&& up)
        : base{puller, scope.members(), std::move(up)}, scope_{scope}, to_{to} {}

private:
    friend base;

    std::optional<element>& place() noexcept { return place_; }

    status offer(fiber_base& f) noexcept {
        if (!push_) {
            push_.emplace(to_, std::move(*place_));
        }
        status const s = push_->poll(f);
        if (has_ended(s)) {
            if (s == status::defect) {
                thrown_ = push_->defect();
            }
            push_.reset();
            place_.reset();
        }
        return s;
    }
    std::exception_ptr thrown() const noexcept { return thrown_; }

    void pulled(status how, std::exception_ptr defect) noexcept {
        bool const interrupted = how == status::cancelled && !scope_.members().is_stopped();
        {
            std::lock_guard const guard{scope_.lock()};
            set_end(interrupted ? status::interrupted : how, std::move(defect));
        }
        to_.close();
    }
    void closed(std::exception_ptr thrown) {
        scope_.note_failed(*this, defect());
        scope_.note_thrown(std::move(thrown), std::exchange(this->suppressed, {}));
    }

    stage_scope& scope_;
    queue_core<element, never>& to_;
    std::optional<element> place_;
    std::optional<queue_push<element, never>> push_;
    std::exception_ptr thrown_;
};

template <class Up>
struct buffer_state {
    buffer_state(queue_capacity capacity, fiber_base& f, Up& up)
        : elements{capacity}, pump{scope, elements, f, std::move(up)} {}

    stage_scope scope{"a buffer"};
    queue_core<typename Up::value_type, never> elements;
    buffer_pump<Up> pump;
    std::optional<queue_pop<take_one<typename Up::value_type, never>>> pop;
};

template <class Up, class Capacity>
class buffer_stage {
    static_assert(std::is_nothrow_move_constructible_v<typename Up::value_type>,
                  "coir: elements of a buffer are moved under a lock, so that must not throw; use std::unique_ptr<T>");

public:
    using value_type = typename Up::value_type;
    using error_type = typename Up::error_type;

    buffer_stage(Up&& up, queue_capacity capacity) : up_{std::move(up)}, capacity_{capacity} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (!state_) {
            state_.start(capacity_, f, up_).pump.start();
        }
        state_->scope.enter(f);
        auto& pop = state_->pop;
        if (!pop) {
            pop.emplace(state_->elements);
        }
        status const s = pop->poll(f);
        if (!has_ended(s)) {
            return s;
        }
        bool got = false;
        if (s == status::value) {
            detail::hand_over(out, pop->get());
            got = out.has_value();
        }
        if (s == status::defect) {
            thrown_ = pop->defect();
        }
        pop.reset();
        return s != status::value || got ? s : state_->scope.end_as(state_->pump);
    }

    status poll_close(fiber_base& f) {
        if (!state_) {
            return status::value;
        }
        thrown_ = nullptr;
        return state_->scope.poll_close(f);
    }

    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return state_->pump.upstream().error();
    }
    std::exception_ptr defect() { return thrown_ || !state_ ? thrown_ : state_->scope.defect(); }
    fiber_id interrupted_by() { return state_->pump.ended_by(); }

private:
    Up up_; // until the first pull
    queue_capacity capacity_;
    started_state<buffer_state<Up>> state_;
    std::exception_ptr thrown_; // by a pop
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// Upstream is pulled by a fiber of its own and may be ahead: with bounded(n) or just `n` by n
// elements and the one in its hand; then it waits. With sliding(n) and dropping(n) it never waits,
// and the oldest or the new element is dropped; unbounded() is bounded by memory only. How upstream
// ends comes after what is in the buffer. When the consumer stops or is interrupted, upstream is
// interrupted and closed, and what is in the buffer is dropped. Negative: std::invalid_argument.
inline auto buffer(queue_capacity capacity) { return detail::make_stage<detail::buffer_stage>(capacity); }

template <std::integral N>
auto buffer(N n) {
    return streams::buffer(bounded(n));
}

template <class N>
    requires(!std::integral<N> && !std::convertible_to<N const&, queue_capacity>)
auto buffer(N const&) {
    static_assert(detail::fits<N>, "coir: buffer takes a number of elements, or how many and what then: sliding(1)");
}

} // namespace coir::inline v0::streams
