// Stages that end a stream between two pulls: halt_when and halt_after.
//
//     jobs | streams::halt_when(shutting_down)       // the job that is being fetched still comes
//     ticks | streams::halt_after(10s)
//
// The pull in progress is never interrupted; interrupt_when and interrupt_after are for that.
#pragma once

#include <coir/deferred.hpp>
#include <coir/detail/outcome_view.hpp>
#include <coir/stream/each.hpp>
#include <coir/stream/stage_time.hpp>

#include <optional>

namespace coir::inline v0::detail {

template <class Up, class Signal>
class halt_when_stage {
    using cell = std::remove_pointer_t<Signal>;
    using signal_error = typename cell::outcome_type::error_type;

public:
    using value_type = typename Up::value_type;
    using error_type = errors<typename Up::error_type, signal_error>;

    halt_when_stage(Up&& up, cell* signal) : up_{std::move(up)}, signal_{signal} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (!pulling_ && signal_->is_done()) {
            return halted();
        }
        status const s = up_.poll_next(f, out);
        pulling_ = !has_ended(s);
        return s;
    }

    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        if (!pulling_ && signal_->is_done()) {
            return halted();
        }
        auto const pass = [&](value_type&& x) COIR_FUSED_LAMBDA { return give(std::move(x)) && !signal_->is_done(); };
        status const s = pull_each(up_, f, giving(give, pass));
        pulling_ = !has_ended(s);
        return s;
    }

    status poll_close(fiber_base& f) {
        closing_ = true;
        return up_.poll_close(f);
    }

    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return halted_ ? error_as<error_type>(*signal_->poll()) : error_as<error_type>(up_);
    }
    std::exception_ptr defect() { return halted_ && !closing_ ? signal_->poll()->defect() : up_.defect(); }
    fiber_id interrupted_by() { return halted_ ? signal_->poll()->interrupted_by() : up_.interrupted_by(); }

private:
    status halted() noexcept {
        halted_ = true;
        status const s = status_of(signal_->poll()->kind());
        return s == status::value ? status::end : s;
    }

    Up up_;
    cell* signal_;
    bool pulling_ = false;
    bool halted_ = false;
    bool closing_ = false;
};

template <class Up, class Duration>
class halt_after_stage : public stage<Up> {
public:
    halt_after_stage(Up&& up, Duration d) : stage<Up>{std::move(up)}, duration_{d} {}

    status poll_next(fiber_base& f, std::optional<typename Up::value_type>& out) {
        if (!pulling_ && is_over(f.where().now())) {
            return status::end;
        }
        status const s = this->up_.poll_next(f, out);
        pulling_ = !has_ended(s);
        return s;
    }

private:
    bool is_over(clock::time_point now) noexcept {
        if (!last_moment_) {
            last_moment_ = deadline_after(now, duration_);
        }
        return *last_moment_ <= now;
    }

    Duration duration_;
    std::optional<clock::time_point> last_moment_;
    bool pulling_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// Ends the stream before the first pull that begins when `signal` is done; the element of a pull
// in progress still passes, however long it takes. A signal that failed, was killed or interrupted
// ends the stream in that way. The signal outlives the stream.
template <class T, class E>
auto halt_when(deferred<T, E>& signal) {
    return detail::make_stage<detail::halt_when_stage>(&signal.get_cell());
}

// Ends the stream before the first pull that begins `d` or more after the first one; the element
// of a pull in progress still passes. 0 pulls nothing. Throws std::invalid_argument for a negative
// time.
template <class D>
auto halt_after(D d) {
    return detail::make_stage<detail::halt_after_stage>(detail::stage_time(d, "halt_after"));
}

} // namespace coir::inline v0::streams
