// Stages that slow a stream down: throttle and spaced.
//
//     requests | streams::throttle(100ms)                                          // ten a second at most
//     requests | streams::throttle(100ms, {.burst = 5})                            // after a pause, five at once
//     clicks   | streams::throttle(1s, {.excess = streams::excess::is_dropped})    // what is too much is lost
//     polls    | streams::spaced(30s)                                              // rests between two pulls
//     polls    | streams::spaced(coir::exponential(1s).max_delay(1min))            // longer and longer ones
//
// They look at the clock between pulls, and run no fiber of their own.
#pragma once

#include <coir/schedule.hpp>
#include <coir/stream/concept.hpp>
#include <coir/stream/stage_time.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace coir::inline v0::streams {

// What becomes of an element that comes too early.
enum class excess : unsigned char { waits, is_dropped };

struct throttle_options {
    streams::excess excess = streams::excess::waits;
    std::size_t burst = 1; // as many pass at once, after as many times without an element
};

} // namespace coir::inline v0::streams

namespace coir::inline v0::detail {

// One token comes in each `period`, until there are as many as `burst`.
class token_bucket {
public:
    token_bucket(clock::duration period, std::size_t burst) noexcept : period_{period}, burst_{burst}, tokens_{burst} {}

    // When there is a token: `now`, or later.
    clock::time_point next(clock::time_point now) noexcept {
        if (period_ == period_.zero()) {
            tokens_ = burst_;
            return now;
        }
        if (tokens_ < burst_) {
            std::uint64_t const gained = static_cast<std::uint64_t>((now - last_) / period_);
            if (gained < burst_ - tokens_) {
                tokens_ += static_cast<std::size_t>(gained);
                last_ += static_cast<clock::rep>(gained) * period_;
                return tokens_ != 0 ? now : deadline_after(last_, period_);
            }
            tokens_ = burst_;
        }
        last_ = now;
        return now;
    }
    // When there is one.
    void take() noexcept { --tokens_; }

private:
    clock::duration period_;
    std::size_t burst_;
    std::size_t tokens_;
    clock::time_point last_{}; // when there was a new one; if there is room for one
};

template <class Up, class Bucket, class Excess>
class throttle_stage : public stage<Up> {
    using element = typename Up::value_type;

public:
    throttle_stage(Up&& up, Bucket bucket, Excess excess)
        : stage<Up>{std::move(up)}, bucket_{bucket}, excess_{excess} {}

    status poll_next(fiber_base& f, std::optional<element>& out) {
        while (!held_) {
            status const s = this->up_.poll_next(f, out);
            if (s != status::value) {
                return s;
            }
            clock::time_point const now = f.where().now();
            clock::time_point const due = bucket_.next(now);
            if (due <= now) {
                bucket_.take();
                return s;
            }
            if (excess_ == streams::excess::waits) {
                held_.emplace(std::move(*out));
                pause_.emplace(due);
            } else if (++dropped_ == budget) {
                dropped_ = 0;
                return rest(f);
            }
        }
        return hold(f, out);
    }

private:
    status hold(fiber_base& f, std::optional<element>& out) {
        status const s = pause_->poll(f);
        if (s == status::value) {
            pause_.reset();
            bucket_.next(f.where().now());
            bucket_.take();
            out.emplace(std::move(*held_));
            held_.reset();
        }
        return s;
    }

    Bucket bucket_;
    Excess excess_;
    std::optional<element> held_;
    std::optional<sleeping> pause_;
    unsigned dropped_ = 0;
};

template <class Up, class Policy>
class spaced_stage : public stage<Up> {
public:
    spaced_stage(Up&& up, Policy policy) : stage<Up>{std::move(up)}, rests_{std::move(policy)} {}

    status poll_next(fiber_base& f, std::optional<typename Up::value_type>& out) {
        if (std::exchange(rests_next_, false)) {
            auto const rest = rests_.next(f, unit{});
            if (!rest) {
                return status::end;
            }
            pause_.emplace(*rest);
        }
        if (pause_) {
            if (status const s = pause_->poll(f); s != status::value) {
                return s;
            }
            pause_.reset();
        }
        rests_.begin(f);
        status const s = this->up_.poll_next(f, out);
        rests_next_ = s == status::value;
        return s;
    }

private:
    attempts<Policy> rests_;
    std::optional<sleeping> pause_;
    bool rests_next_ = false;
};

// Where both namespaces are in use, spaced(d) is a schedule.
template <class Up, class F>
    requires async_stream<Up>
auto operator|(Up&& up, schedule<F> rests) {
    return spaced_stage<Up, schedule<F>>{std::move(up), std::move(rests)};
}

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// One element in each `d` at most: one that comes earlier after the one before waits, so that none
// is lost and upstream is not pulled meanwhile, or is dropped. After a pause `burst` elements pass
// before it is one in each `d` again; 0 passes everything. The end and a failure do not wait.
// Throws std::invalid_argument for a negative time, and for a burst of 0.
template <class D>
auto throttle(D d, throttle_options options = {}) {
    if (options.burst == 0) {
        throw std::invalid_argument{"coir: throttle needs a burst of one element at least"};
    }
    return detail::make_stage<detail::throttle_stage>(
        detail::token_bucket{detail::stage_time(d, "throttle"), options.burst}, options.excess);
}

// Rests for `d` before each pull but the first: from when the consumer wants the next element
// until upstream is asked for it, so also before it says that it has ended. With a schedule in
// place of `d`: as long as that says, and the stream ends where that does. Throws
// std::invalid_argument for a negative time.
template <class D>
auto spaced(D d) {
    if constexpr (detail::is_schedule<D>) {
        return detail::make_stage<detail::spaced_stage>(std::move(d));
    } else {
        return detail::make_stage<detail::spaced_stage>(coir::spaced(detail::stage_time(d, "spaced")));
    }
}

} // namespace coir::inline v0::streams
