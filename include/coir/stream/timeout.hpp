// Stages that limit how long a stream may take for an element.
//
//     tokens | streams::timeout_first(60s, err::slow_start) | streams::timeout_fail(30s, err::stalled)
//
// Only the time that a pull takes counts, not the consumer's. A pull that takes too long is
// interrupted and has cleaned up before the stream fails.
#pragma once

#include <coir/detail/deadline.hpp>
#include <coir/detail/region_timer.hpp>
#include <coir/stream/concept.hpp>
#include <coir/time.hpp>

#include <algorithm>

namespace coir::inline v0::detail {

// The longest times; duration::max() is no limit.
struct pull_limits {
    clock::duration first = (clock::duration::max)();
    clock::duration next = (clock::duration::max)();
    clock::duration total = (clock::duration::max)();
};

template <class Up, class Limits, class E>
class timeout_stage {
public:
    using value_type = typename Up::value_type;
    using error_type = errors<typename Up::error_type, E>;

    timeout_stage(Up&& up, pull_limits limits, E&& e) : up_{std::move(up)}, limits_{limits}, own_error_(std::move(e)) {}
    timeout_stage(timeout_stage&& other) // between pulls
        : up_{std::move(other.up_)}, limits_{other.limits_}, own_error_(std::move(other.own_error_)),
          last_moment_{other.last_moment_}, seen_one_{other.seen_one_} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (!pulling_ && !begin(f)) {
            expired_ = true;
            return status::failure;
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

    status poll_close(fiber_base& f) { return up_.poll_close(f); }

    error_type error() {
        if (!expired_) {
            if constexpr (!std::same_as<typename Up::error_type, never>) {
                return convert_error<error_type>(up_.error());
            }
        }
        return convert_error<error_type>(std::move(own_error_));
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : up_.defect(); }
    fiber_id interrupted_by() { return up_.interrupted_by(); }

private:
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
        return expired_ ? status::failure : s;
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

// Fails with `e` when an element after the first takes longer than `d`.
template <class Rep, class Period, class E>
auto timeout_fail(std::chrono::duration<Rep, Period> d, E&& e) {
    detail::pull_limits limits;
    limits.next = detail::saturated(d);
    return detail::make_stage<detail::timeout_stage>(limits, std::forward<E>(e));
}

// Fails with `e` when the first element takes longer than `d`.
template <class Rep, class Period, class E>
auto timeout_first(std::chrono::duration<Rep, Period> d, E&& e) {
    detail::pull_limits limits;
    limits.first = detail::saturated(d);
    return detail::make_stage<detail::timeout_stage>(limits, std::forward<E>(e));
}

// Fails with `e` in the pull during which, or before which, `d` has passed since the first began.
template <class Rep, class Period, class E>
auto timeout_total(std::chrono::duration<Rep, Period> d, E&& e) {
    detail::pull_limits limits;
    limits.total = detail::saturated(d);
    return detail::make_stage<detail::timeout_stage>(limits, std::forward<E>(e));
}

} // namespace coir::inline v0::streams
