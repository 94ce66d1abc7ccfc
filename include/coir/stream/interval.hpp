// A stream that counts time.
//
//     co_await (coir::streams::interval(1s) | coir::streams::take(60) | coir::streams::for_each(show));
#pragma once

#include <coir/stream/concept.hpp>
#include <coir/time.hpp>

#include <cstddef>
#include <stdexcept>

namespace coir::inline v0::detail {

class interval_source : public plain_source {
public:
    using value_type = std::size_t;

    explicit interval_source(clock::duration period) noexcept : period_{period} {}
    interval_source(interval_source&& other) noexcept // between pulls
        : period_{other.period_}, next_{other.next_}, count_{other.count_} {}

    status poll_next(fiber_base& f, std::optional<std::size_t>& out) {
        if (!sleep_) {
            if (!next_) {
                next_ = deadline_after(f.where().now(), period_);
            }
            sleep_.emplace(*next_);
        }
        status const s = sleep_->poll(f);
        if (s == status::value) {
            sleep_.reset();
            out.emplace(count_++);
            next_ = tick_after(f.where().now());
        }
        return s;
    }

private:
    // The first multiple of the period after the last tick that is still to come: who was late
    // does not get the ones that passed meanwhile in a burst.
    clock::time_point tick_after(clock::time_point now) const noexcept {
        auto const passed = now > *next_ ? (now - *next_) / period_ : 0;
        return deadline_after(*next_ + passed * period_, period_);
    }

    clock::duration const period_;
    std::optional<clock::time_point> next_;
    std::optional<sleeping> sleep_;
    std::size_t count_ = 0;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// 0, 1, 2... one at each multiple of `period` since the first pull, the first after one period;
// without end. Never early, and without drift: deadlines are reckoned from the start. Who pulls
// late gets the next number at once, once, and then goes on with the next multiple to come.
// Interruption ends the wait at once; there is nothing to clean up. Throws std::invalid_argument
// for a period that is not positive.
template <class Rep, class Period>
auto interval(std::chrono::duration<Rep, Period> period) {
    if (!(period > period.zero())) {
        throw std::invalid_argument{"coir: the period of an interval is positive"};
    }
    return detail::interval_source{detail::saturated(period)};
}

template <std::integral N>
auto interval(N) {
    static_assert(detail::fits<N>, "coir: how long is a std::chrono::duration, such as 5s");
    return interval(clock::duration{1});
}

} // namespace coir::inline v0::streams
