// Several streams at once, one for each element: flat_map(n, f).
//
//     feeds | streams::flat_map(4, read_feed) | streams::for_each(store)
#pragma once

#include <coir/stream/concurrent/workers.hpp>
#include <coir/stream/flattening.hpp>

namespace coir::inline v0::detail {

// What a worker pulls: one inner stream after the other.
template <class T, class F>
class flat_map_work : public flat_map_stage<job_source<T>, shared_function<F>> {
    using base = flat_map_stage<job_source<T>, shared_function<F>>;
    using base::base;

public:
    static flat_map_work make(job_desk<T>& desk, shared_function<F> f) {
        return flat_map_work{job_source<T>{desk}, std::move(f)};
    }
};

template <class Up, class N, class F>
class flat_map_par_stage : public unordered_workers_stage<Up, flat_map_work<typename Up::value_type, F>, F> {
public:
    flat_map_par_stage(Up&& up, std::size_t n, F&& f)
        : unordered_workers_stage<Up, flat_map_work<typename Up::value_type, F>, F>{std::move(up), n, std::move(f),
                                                                                    "a flat_map"} {}
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The elements, as they come, of up to `n` streams (or ranges) at once, which `f` makes of elements.
// One that ends is closed before the next is made in its place; an inner stream is one element
// ahead at most. Each is pulled in a fiber of the stage, so on a pool `f` is called by several at
// once. A failure of upstream or of an inner stream is the stream's at once: all others are
// interrupted, and elements that were not taken are dropped. When the consumer stops or is
// interrupted, all are interrupted and closed before its result is seen. Throws
// std::invalid_argument if `n` is less than 1.
template <std::integral N, class F>
auto flat_map(N n, F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::flat_map_par_stage>(detail::checked_limit(n), std::forward<F>(f));
}

} // namespace coir::inline v0::streams
