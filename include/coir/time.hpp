// Time as the current scheduler tells it, so virtual under test.
//
//     auto const start = coir::now();
//     co_await coir::sleep_for(100ms);
//     co_await coir::sleep_until(start + 1s);
//
// Deadlines saturate, and one that is not in the future is now.
#pragma once

#include <coir/detail/deadline.hpp>
#include <coir/detail/live_count.hpp>
#include <coir/detail/single_wait.hpp>
#include <coir/detail/std/chrono.hpp>

namespace coir::inline v0 {

inline std::chrono::steady_clock::time_point now() noexcept {
    scheduler const* const s = detail::this_worker().current;
    return s != nullptr ? s->now() : std::chrono::steady_clock::now();
}

inline std::chrono::system_clock::time_point system_now() noexcept {
    scheduler const* const s = detail::this_worker().current;
    return s != nullptr ? s->system_now() : std::chrono::system_clock::now();
}

// The steady clock of the current scheduler, with time points of std::chrono::steady_clock.
struct clock {
    using duration = std::chrono::steady_clock::duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr bool is_steady = true;
    static time_point now() noexcept { return coir::now(); }
};

// The operation of sleeping. Ends at the first tick not before its deadline, never early.
class [[nodiscard]] sleeping final : public detail::single_wait,
                                     private timer,
                                     private detail::counted<detail::live::timers> {
public:
    using value_type = void;
    using error_type = never;

    explicit sleeping(clock::duration d) noexcept : duration_{d}, relative_{true} {}
    explicit sleeping(clock::time_point t) noexcept : until_{t}, relative_{false} {}
    sleeping(sleeping&& other) noexcept
        : single_wait{}, timer{}, counted{}, duration_{other.duration_}, until_{other.until_},
          relative_{other.relative_} {}

    detail::status poll(detail::fiber_base& f) noexcept {
        return poll_wait(f, [&] { return begin(f); }, [] { return detail::status::value; });
    }
    void get() const noexcept {}
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    detail::status begin(detail::fiber_base& f) noexcept {
        clock::time_point const t = f.where().now();
        clock::time_point const deadline = relative_ ? detail::deadline_after(t, duration_) : until_;
        if (deadline <= t) {
            return detail::status::value;
        }
        fiber_ = &f;
        f.begin_wait(this);
        f.where().arm(*this, deadline);
        return detail::status::pending;
    }

    bool expire() noexcept override {
        bool post_it = false;
        return fiber_->try_fire(post_it) && post_it;
    }
    void finish() noexcept override { fiber_->post(); }

    void cancel(detail::fiber_base& f) noexcept override {
        f.where().disarm(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept override { return "sleep"; }

    clock::duration duration_{};
    clock::time_point until_{};
    bool relative_;
    detail::fiber_base* fiber_ = nullptr;
};

// `co_await sleep_for(d)`: the time counts from the await.
template <class Rep, class Period>
sleeping sleep_for(std::chrono::duration<Rep, Period> d) noexcept {
    return sleeping{detail::saturated(d)};
}

template <std::integral N>
sleeping sleep_for(N) noexcept {
    static_assert(detail::fits<N>, "coir: how long is a std::chrono::duration, such as 5s");
    return sleeping{clock::duration::zero()};
}

inline sleeping sleep_until(clock::time_point t) noexcept { return sleeping{t}; }

namespace detail {

// Goes to the end of the ready queue once, or not at all.
class [[nodiscard]] checking {
public:
    using value_type = void;
    using error_type = never;

    explicit checking(bool requeue) noexcept : requeue_{requeue} {}

    status poll(fiber_base& f) noexcept {
        if (f.cancel_requested()) {
            return status::cancelled;
        }
        if (std::exchange(requeue_, false)) {
            f.begin_wait(nullptr);
            f.requeue();
            return status::pending;
        }
        return status::value;
    }
    void get() const noexcept {}
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    bool requeue_;
};

} // namespace detail

// `co_await yield()`: lets others run - on a run_loop, all that is ready before it.
inline detail::checking yield() noexcept { return detail::checking{true}; }

// `co_await checkpoint()`: ends the fiber here if it was asked to; nothing else.
inline detail::checking checkpoint() noexcept { return detail::checking{false}; }

} // namespace coir::inline v0
