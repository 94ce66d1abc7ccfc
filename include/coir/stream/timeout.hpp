// Stages that limit how long a stream may take, for an element or in all.
//
//     tokens | streams::timeout_first(60s, err::slow_start) | streams::timeout_fail(30s, err::stalled)
//     log    | streams::timeout(5s)                 // what comes until it has been silent for 5 s
//     ticks  | streams::interrupt_after(1min)
//
// Between elements only the time that a pull takes counts, not the consumer's. A pull that takes
// too long is interrupted and has cleaned up before the stream fails, or ends.
#pragma once

#include <coir/detail/deadline.hpp>
#include <coir/detail/region_timer.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/stream/concept.hpp>
#include <coir/stream/stage_time.hpp>

namespace coir::inline v0::detail {

// The longest times; duration::max() is no limit.
struct pull_limits {
    clock::duration first = (clock::duration::max)();
    clock::duration next = (clock::duration::max)();
    clock::duration total = (clock::duration::max)();
};

// In place of the error: the stream ends.
struct ends_in_time {};

template <class Up, class Limits, class E>
class timeout_stage {
    static constexpr bool fails = !std::same_as<E, ends_in_time>;

public:
    using value_type = typename Up::value_type;
    using error_type = errors<typename Up::error_type, std::conditional_t<fails, E, never>>;

    timeout_stage(Up&& up, pull_limits limits, E&& e) : up_{std::move(up)}, limits_{limits}, own_error_(std::move(e)) {}
    timeout_stage(timeout_stage&& other) // between pulls
        : up_{std::move(other.up_)}, limits_{other.limits_}, own_error_(std::move(other.own_error_)),
          last_moment_{other.last_moment_}, seen_one_{other.seen_one_} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (!pulling_ && !begin(f)) {
            expired_ = true;
            return at_the_limit;
        }
        status const s = pull(f, out);
        if (has_ended(s)) {
            return ended(s);
        }
        if (!std::exchange(armed_, true)) {
            region_.arm(deadline_);
        }
        return s;
    }

    status poll_close(fiber_base& f) {
        thrown_ = nullptr; // by a pull, which has been told
        return up_.poll_close(f);
    }

    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        if constexpr (fails) {
            if (expired_) {
                return convert_error<error_type>(std::move(own_error_));
            }
        }
        return error_as<error_type>(up_);
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : up_.defect(); }
    fiber_id interrupted_by() { return up_.interrupted_by(); }

private:
    static constexpr status at_the_limit = fails ? status::failure : status::end;

    // False: the time was up before.
    bool begin(fiber_base& f) noexcept {
        clock::time_point const now = f.where().now();
        if (!last_moment_) {
            last_moment_ = deadline_after(now, limits_.total);
        }
        if (*last_moment_ <= now) {
            return false;
        }
        deadline_ = (std::min)(deadline_after(now, seen_one_ ? limits_.next : limits_.first), *last_moment_);
        region_.surround(f);
        pulling_ = true;
        return true;
    }

    // A throw must not leave the region behind.
    status pull(fiber_base& f, std::optional<value_type>& out) noexcept {
        try {
            return up_.poll_next(f, out);
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }

    status ended(status s) noexcept {
        pulling_ = false;
        seen_one_ = seen_one_ || s == status::value;
        if (std::exchange(armed_, false)) {
            expired_ = region_.leave(s);
        } else {
            region_.forget();
        }
        return expired_ ? at_the_limit : s;
    }

    Up up_;
    pull_limits limits_;
    E own_error_;
    region_timer region_;
    std::optional<clock::time_point> last_moment_;
    clock::time_point deadline_{}; // of this pull
    std::exception_ptr thrown_;
    bool pulling_ = false;
    bool armed_ = false;
    bool seen_one_ = false;
    bool expired_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// Ends the stream, as if it had ended by itself, when an element after the first takes longer
// than `d`. Throws std::invalid_argument for a negative time, as all of these do; with 0, what
// does not come at once comes too late.
template <class D>
auto timeout(D d) {
    detail::pull_limits limits;
    limits.next = detail::stage_time(d, "timeout");
    return detail::make_stage<detail::timeout_stage>(limits, detail::ends_in_time{});
}

// Fails with `e` when an element after the first takes longer than `d`.
template <class D, class E>
auto timeout_fail(D d, E&& e) {
    detail::pull_limits limits;
    limits.next = detail::stage_time(d, "timeout_fail");
    return detail::make_stage<detail::timeout_stage>(limits, std::forward<E>(e));
}

// Fails with `e` when the first element takes longer than `d`.
template <class D, class E>
auto timeout_first(D d, E&& e) {
    detail::pull_limits limits;
    limits.first = detail::stage_time(d, "timeout_first");
    return detail::make_stage<detail::timeout_stage>(limits, std::forward<E>(e));
}

// Fails with `e` in the pull during which, or before which, `d` has passed since the first began.
template <class D, class E>
auto timeout_total(D d, E&& e) {
    detail::pull_limits limits;
    limits.total = detail::stage_time(d, "timeout_total");
    return detail::make_stage<detail::timeout_stage>(limits, std::forward<E>(e));
}

// Ends the stream when `d` has passed since the first pull began, in the middle of a pull too,
// which is interrupted and cleans up first; 0 pulls nothing. The stages below are not interrupted.
template <class D>
auto interrupt_after(D d) {
    detail::pull_limits limits;
    limits.total = detail::stage_time(d, "interrupt_after");
    return detail::make_stage<detail::timeout_stage>(limits, detail::ends_in_time{});
}

} // namespace coir::inline v0::streams
