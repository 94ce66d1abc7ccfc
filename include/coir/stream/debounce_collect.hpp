// debounce_collect: all elements of a burst as one vector, once upstream has been quiet.
//
//     coir::streams::flush_handle send_now;
//     lines | streams::debounce_collect(300ms, 3s, 100, send_now)
#pragma once

#include <coir/detail/count_argument.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/stream/flush_handle.hpp>
#include <coir/stream/holding.hpp>

#include <cstddef>
#include <vector>

namespace coir::inline v0::detail {

struct collect_settings {
    clock::duration quiet;
    clock::duration max_wait;
    std::size_t max_n;
    streams::flush_handle flush;
};

template <class Up>
class collect_hold : public plain_hold {
public:
    using value_type = std::vector<typename Up::value_type>;

    collect_hold(collect_settings const& s, stage_scope& scope, clock::time_point) noexcept
        : quiet_{s.quiet}, max_wait_{s.max_wait}, max_n_{s.max_n}, scope_{scope}, flushes_{s.flush, ask, this} {}

    bool add(inlet<Up>& in, clock::time_point now) {
        if (batch_.empty()) {
            last_moment_ = deadline_after(now, max_wait_);
        }
        in.take(element_);
        batch_.push_back(std::move(*element_));
        element_.reset();
        quiet_end_ = deadline_after(now, quiet_);
        return batch_.size() == max_n_;
    }
    clock::time_point due() const noexcept { return batch_.empty() ? never_due : (std::min)(quiet_end_, last_moment_); }
    bool is_empty() const noexcept { return batch_.empty(); }
    void give(std::optional<value_type>& out) { out.emplace(std::exchange(batch_, value_type{})); }
    bool look() noexcept { return std::exchange(asked_, false); }

private:
    static void ask(void* self) noexcept {
        auto& hold = *static_cast<collect_hold*>(self);
        wake_batch wakes;
        std::lock_guard const guard{hold.scope_.lock()};
        hold.asked_ = true;
        hold.scope_.wake_consumer(wakes);
    }

    clock::duration quiet_;
    clock::duration max_wait_;
    std::size_t max_n_;
    stage_scope& scope_;
    std::optional<typename Up::value_type> element_;
    value_type batch_;
    clock::time_point quiet_end_{};   // if nothing comes before
    clock::time_point last_moment_{}; // of the batch
    bool asked_ = false;              // for a flush; under the lock
    streams::flush_handle::listening flushes_;
};

template <class Up, class Settings>
class debounce_collect_stage : public holding_stage<Up, collect_hold<Up>, Settings> {
    using holding_stage<Up, collect_hold<Up>, Settings>::holding_stage;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// All elements of a burst, in order, as one vector: given when `quiet` has passed since the last
// one, `max_wait` since the first one, `max_n` are there, at a flush, or at the end of upstream;
// dropped when upstream fails. Never empty. While the consumer is busy, upstream is one element
// ahead. Throws std::invalid_argument for a negative time, and for a max_n of less than 1.
template <class D, class MaxWait>
auto debounce_collect(D quiet, MaxWait max_wait, detail::count_argument max_n, flush_handle flush = {}) {
    if (max_n.value() == 0) {
        throw std::invalid_argument{"coir: debounce_collect needs room for an element"};
    }
    detail::collect_settings settings{detail::stage_time(quiet, "debounce_collect"),
                                      detail::stage_time(max_wait, "debounce_collect"), max_n.value(),
                                      std::move(flush)};
    return detail::make_stage<detail::debounce_collect_stage>(moved(settings));
}

} // namespace coir::inline v0::streams
