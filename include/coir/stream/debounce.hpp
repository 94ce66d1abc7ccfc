// Stages about pauses between elements: debounce and debounce_collect.
//
//     keys | streams::debounce(300ms)                          // the newest, once it is quiet
//     lines | streams::debounce_collect(300ms, 3s, 100)        // all of a burst, as a vector
//
// They listen to upstream and to the clock at once, so upstream is pulled by a fiber of the
// stage's own, which never outlives the stream; it is at most one element ahead.
#pragma once

#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/stream/flush_handle.hpp>
#include <coir/stream/generator.hpp>
#include <coir/stream/with_stream.hpp>
#include <coir/sync/queue.hpp>
#include <coir/time.hpp>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace coir::inline v0::detail {

// Pulls `source` into `out`, which is closed when the source has ended, however it did.
template <class Item, class S>
task<void, typename S::error_type> pump(S source, queue<Item>& out) {
    auto push_all = [&out](open_stream<S>& in) -> task<void, typename S::error_type> {
        while (auto element = co_await next(in)) {
            co_await out.push(coir::moved(*element));
        }
    };
    auto close = [&out]() -> task<void> {
        out.close();
        co_return;
    };
    co_await coir::ensuring(with_stream(std::move(source), push_all), close);
}

// The pending element is given at the end of upstream, and dropped when upstream fails.
template <class S>
stream<typename S::value_type, typename S::error_type> debounced(S source, clock::duration quiet) {
    using element = typename S::value_type;
    queue<element> pulled{bounded(0)};
    auto const pumping = coir::fork(pump<element, S>, std::move(source), std::ref(pulled));
    while (auto latest = co_await pulled.pop()) {
        for (;;) {
            auto newer = co_await coir::timeout(pulled.pop(), quiet);
            if (!newer) {
                break;
            }
            if (!*newer) {
                co_await pumping; // fails if upstream failed
                break;
            }
            latest = std::move(*newer);
        }
        co_yield coir::moved(*latest);
    }
    co_await pumping;
}

struct collect_limits {
    clock::duration quiet;
    clock::duration max_wait;
    std::size_t max_n;
};

template <class S>
stream<std::vector<typename S::value_type>, typename S::error_type> collected(S source, collect_limits limits,
                                                                              streams::flush_handle flush) {
    using element = typename S::value_type;
    using pulled_queue = queue<std::optional<element>>; // nothing: a flush was asked for
    pulled_queue pulled{bounded(0)};
    // If nobody is waiting just now, the request is found before the next wait.
    streams::flush_handle::listening flushes{
        flush, [](void* q) noexcept { static_cast<void>(static_cast<pulled_queue*>(q)->try_push(std::nullopt)); },
        &pulled};
    auto const pumping = coir::fork(pump<std::optional<element>, S>, std::move(source), std::ref(pulled));
    while (auto first = co_await pulled.pop()) {
        if (!*first) {
            flushes.take_request(); // nothing is pending
            continue;
        }
        std::vector<element> batch;
        batch.push_back(std::move(**first));
        auto const last_moment = deadline_after(coir::now(), limits.max_wait);
        while (batch.size() < limits.max_n && !flushes.take_request()) {
            auto const quiet_end = deadline_after(coir::now(), limits.quiet);
            auto next = co_await coir::timeout(pulled.pop(), (std::min)(quiet_end, last_moment) - coir::now());
            if (!next) {
                break;
            }
            if (!*next) {
                co_await pumping; // fails if upstream failed
                break;
            }
            if (std::optional<element>& more = **next) {
                batch.push_back(std::move(*more));
            }
        }
        co_yield std::move(batch);
    }
    co_await pumping;
}

template <class Up, class Duration>
class debounce_stage : public stream<typename Up::value_type, typename Up::error_type> {
    using base = stream<typename Up::value_type, typename Up::error_type>;

public:
    debounce_stage(Up&& up, clock::duration quiet)
        : base{quiet == quiet.zero() ? base{std::move(up)} : debounced(std::move(up), quiet)} {}
};

template <class Up, class Limits, class Flush>
class debounce_collect_stage : public stream<std::vector<typename Up::value_type>, typename Up::error_type> {
    using base = stream<std::vector<typename Up::value_type>, typename Up::error_type>;

public:
    debounce_collect_stage(Up&& up, collect_limits limits, streams::flush_handle flush)
        : base{collected(std::move(up), limits, std::move(flush))} {}
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The newest element once `quiet` has passed without another; 0 passes everything. When upstream
// ends the pending element is given at once; when it fails, it is dropped. Throws
// std::invalid_argument for a negative time.
template <class Rep, class Period>
auto debounce(std::chrono::duration<Rep, Period> quiet) {
    if (quiet < quiet.zero()) {
        throw std::invalid_argument{"coir: debounce needs a time that is not negative"};
    }
    return detail::make_stage<detail::debounce_stage>(detail::saturated(quiet));
}

// All elements of a burst, in order, as one vector: given when `quiet` has passed since the last
// one, `max_wait` since the first one, `max_n` are there, at a flush, or at the end of upstream.
template <class Rep, class Period, class Rep2, class Period2>
auto debounce_collect(std::chrono::duration<Rep, Period> quiet, std::chrono::duration<Rep2, Period2> max_wait,
                      std::size_t max_n, flush_handle flush = {}) {
    if (quiet < quiet.zero() || max_wait < max_wait.zero() || max_n == 0) {
        throw std::invalid_argument{"coir: debounce_collect needs times that are not negative and room for an element"};
    }
    detail::collect_limits const limits{detail::saturated(quiet), detail::saturated(max_wait), max_n};
    return detail::make_stage<detail::debounce_collect_stage>(limits, std::move(flush));
}

} // namespace coir::inline v0::streams
