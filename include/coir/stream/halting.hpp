// Stages that end a stream between two pulls: halt_when and halt_after.
//
//     jobs | streams::halt_when(shutting_down)       // the job that is being fetched still comes
//     ticks | streams::halt_after(10s)
//
// The pull in progress is never interrupted; interrupt_when and interrupt_after are for that.
#pragma once

#include <coir/stream/each.hpp>
#include <coir/stream/signalled.hpp>
#include <coir/stream/stage_time.hpp>

#include <optional>

namespace coir::inline v0::detail {

template <class Up, class Signal>
class halt_when_stage : public signalled_stage<Up, Signal> {
    using element = typename Up::value_type;

public:
    using signalled_stage<Up, Signal>::signalled_stage;

    status poll_next(fiber_base& f, std::optional<element>& out) {
        if (!pulling_ && this->is_signalled()) {
            return this->stopped();
        }
        status const s = this->up_.poll_next(f, out);
        pulling_ = !has_ended(s);
        return s;
    }

    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        if (!pulling_ && this->is_signalled()) {
            return this->stopped();
        }
        auto const pass = [&](element&& x) COIR_FUSED_LAMBDA { return give(std::move(x)) && !this->is_signalled(); };
        status const s = pull_each(this->up_, f, giving(give, pass));
        pulling_ = !has_ended(s);
        return s;
    }

private:
    bool pulling_ = false;
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
template <class Signal>
    requires(!detail::deferred_lvalue<Signal>)
auto halt_when(Signal&&) {
    static_assert(detail::fits<Signal>,
                  "coir: the signal of streams::halt_when is a deferred&; of a shared_deferred, *d");
}

// Ends the stream before the first pull that begins `d` or more after the first one; the element
// of a pull in progress still passes. 0 pulls nothing. Throws std::invalid_argument for a negative
// time.
template <class D>
auto halt_after(D d) {
    return detail::make_stage<detail::halt_after_stage>(detail::stage_time(d, "halt_after"));
}

} // namespace coir::inline v0::streams
