// Schedules as values that are combined.
#pragma once

#include <coir/detail/deadline.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/detail/std/chrono.hpp>
#include <coir/time.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace coir::inline v0 {

// What a schedule is told after an attempt has ended.
struct schedule_step {
    std::size_t attempt = 0;   // 0 after the first
    clock::duration elapsed{}; // since the first attempt began
    std::uint64_t random = 0;  // from the scheduler's generator
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

inline clock::duration scaled(clock::duration d, double factor) noexcept {
    double const ticks = static_cast<double>(d.count()) * factor;
    auto const most = (clock::duration::max)();
    return ticks >= static_cast<double>(most.count()) ? most : clock::duration{static_cast<clock::rep>(ticks)};
}

inline double power(double base, std::size_t n) noexcept {
    double p = 1.0;
    for (; n > 0 && p < 1e300; --n) {
        p *= base;
    }
    return p;
}

// 53 random bits as [0, 1).
constexpr double unit_interval(std::uint64_t random) noexcept { return static_cast<double>(random >> 11U) * 0x1.0p-53; }

// F: (schedule_step const&, error const&) -> std::optional<clock::duration>.
template <class F>
class schedule {
public:
    explicit schedule(F f) : f_(std::move(f)) {}

    template <class E>
    std::optional<clock::duration> next(schedule_step const& s, E const& e) const {
        return f_(s, e);
    }

    // Each delay times a random factor from `low` to `high`.
    auto jittered(double low = 0.8, double high = 1.2) const {
        return changed([low, high](schedule_step const& s, auto const&, clock::duration d) {
            return std::optional{scaled(d, low + (high - low) * unit_interval(s.random))};
        });
    }
    // No delay longer than `most`.
    template <class Rep, class Period>
    auto max_delay(std::chrono::duration<Rep, Period> most) const {
        return changed([most = saturated(most)](schedule_step const&, auto const&, clock::duration d) {
            return std::optional{(std::min)(d, most)};
        });
    }
    // No attempt that would begin later than `total` after the first began.
    template <class Rep, class Period>
    auto up_to(std::chrono::duration<Rep, Period> total) const {
        return changed([total = saturated(total)](schedule_step const& s, auto const&, clock::duration d) {
            return s.elapsed + d <= total ? std::optional{d} : std::nullopt;
        });
    }
    // Only after errors for which `pred(error)` is true; any other ends at once with that error.
    template <class Pred>
    auto while_error(Pred&& pred) const {
        COIR_CHECK_CLOSURE(Pred);
        return changed([pred = stored<Pred>(unwrap(std::forward<Pred>(pred)))](schedule_step const&, auto const& e,
                                                                               clock::duration d) {
            return pred(e) ? std::optional{d} : std::nullopt;
        });
    }
    // The delay that the error asks for, `delay(error)` -> std::optional, in place of the computed.
    template <class Delay>
    auto delay_from(Delay&& delay) const {
        COIR_CHECK_CLOSURE(Delay);
        return changed([delay = stored<Delay>(unwrap(std::forward<Delay>(delay)))](schedule_step const&, auto const& e,
                                                                                   clock::duration d) {
            std::optional<clock::duration> const asked = delay(e);
            return asked ? asked : std::optional{d};
        });
    }

private:
    template <class G>
    auto changed(G g) const {
        auto f = [inner = *this, g = std::move(g)](schedule_step const& s, auto const& e) {
            std::optional<clock::duration> const d = inner.next(s, e);
            return d ? g(s, e, *d) : std::nullopt;
        };
        return schedule<decltype(f)>{std::move(f)};
    }

    F f_;
};

template <class T>
inline constexpr bool is_schedule = false;
template <class F>
inline constexpr bool is_schedule<schedule<F>> = true;

// What retry and repeat are told by: a schedule, or another type with such a next().
template <class Policy, class E>
concept tells_when = is_schedule<Policy> || requires(Policy& p, schedule_step const& s, E const& e) { p.next(s, e); };

template <class F>
auto make_schedule(F f) {
    return schedule<F>{std::move(f)};
}

// Goes on while both do, after the longer delay.
template <class F, class G>
auto operator&&(schedule<F> a, schedule<G> b) {
    return make_schedule([a, b](schedule_step const& s, auto const& e) -> std::optional<clock::duration> {
        auto const x = a.next(s, e);
        auto const y = b.next(s, e);
        return x && y ? std::optional{(std::max)(*x, *y)} : std::nullopt;
    });
}

// Goes on while either does, after the shorter delay.
template <class F, class G>
auto operator||(schedule<F> a, schedule<G> b) {
    return make_schedule([a, b](schedule_step const& s, auto const& e) -> std::optional<clock::duration> {
        auto const x = a.next(s, e);
        auto const y = b.next(s, e);
        return x && y ? std::optional{(std::min)(*x, *y)} : (x ? x : y);
    });
}

} // namespace coir::inline v0::detail
