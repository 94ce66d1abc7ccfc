// debounce: the newest element, once upstream has been quiet for a while.
//
//     keys | streams::debounce(300ms)
//     keys | streams::debounce(300ms, {.leading = true, .max_wait = 2s})
#pragma once

#include <coir/detail/std/algorithm.hpp>
#include <coir/stream/holding.hpp>

namespace coir::inline v0::streams {

struct debounce_options {
    bool leading = false;                                // the first element after a pause is given at once
    clock::duration max_wait = (clock::duration::max)(); // the longest that an element waits for newer ones
};

} // namespace coir::inline v0::streams

namespace coir::inline v0::detail {

struct debounce_settings {
    clock::duration quiet;
    clock::duration max_wait;
    bool leading;
};

template <class Up>
class debounce_hold : public plain_hold {
public:
    using value_type = typename Up::value_type;

    debounce_hold(debounce_settings s, stage_scope&, clock::time_point now) noexcept : settings_{s}, quiet_end_{now} {}

    bool add(inlet<Up>& in, clock::time_point now) {
        bool const after_a_pause = !newest_ && now >= quiet_end_;
        if (!newest_) {
            last_moment_ = deadline_after(now, settings_.max_wait);
        }
        in.take(newest_);
        quiet_end_ = deadline_after(now, settings_.quiet);
        return settings_.leading && after_a_pause;
    }
    clock::time_point due() const noexcept { return newest_ ? (std::min)(quiet_end_, last_moment_) : never_due; }
    bool is_empty() const noexcept { return !newest_; }
    void give(std::optional<value_type>& out) {
        out.emplace(std::move(*newest_));
        newest_.reset();
    }

private:
    debounce_settings settings_;
    std::optional<value_type> newest_;
    clock::time_point quiet_end_;     // if nothing comes before
    clock::time_point last_moment_{}; // of what waits
};

template <class Up, class Settings>
class debounce_stage : public holding_stage<Up, debounce_hold<Up>, Settings> {
    using holding_stage<Up, debounce_hold<Up>, Settings>::holding_stage;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The newest element once `quiet` has passed without another; 0 passes everything. With `leading`
// the first one after such a pause passes at once, and the newest that comes in the pause then
// begun as any other; with `max_wait` a burst that does not end gives its newest so long after
// the first one that waits. When upstream ends, what waits is given at once; when it fails, that
// is dropped. While the consumer is busy, upstream is one element ahead. Throws
// std::invalid_argument for a negative time.
template <class D>
auto debounce(D quiet, debounce_options options = {}) {
    return detail::make_stage<detail::debounce_stage>(detail::debounce_settings{
        detail::stage_time(quiet, "debounce"), detail::stage_time(options.max_wait, "debounce"), options.leading});
}

} // namespace coir::inline v0::streams
