// Functions of several elements at once: transform_par and transform_par_unordered.
//
//     urls | streams::transform_par(8, fetch)               // results in the order of the urls
//     urls | streams::transform_par_unordered(8, fetch)     // results as they come
#pragma once

#include <coir/detail/std/algorithm.hpp>
#include <coir/stream/concurrent/workers.hpp>
#include <coir/stream/per_element.hpp>

#include <vector>

namespace coir::inline v0::detail {

// What a worker pulls.
template <class T, class F>
class transform_work : public transform_stage<job_source<T>, shared_function<F>> {
    using base = transform_stage<job_source<T>, shared_function<F>>;
    using base::base;

public:
    static transform_work make(job_desk<T>& desk, shared_function<F> f) {
        return transform_work{job_source<T>{desk}, std::move(f)};
    }

    // Of the element that it gave last.
    std::size_t number() const noexcept { return this->up_.number(); }
};

template <class Up, class F>
struct par_function {
    static_assert(element_function<F, typename Up::value_type>,
                  "coir: transform_par takes how many at once and a function of one element");
    using type = F;
};

template <class Up, class N, class F>
class transform_par_unordered_stage : public unordered_workers_stage<Up, transform_work<typename Up::value_type, F>,
                                                                     typename par_function<Up, F>::type> {
public:
    transform_par_unordered_stage(Up&& up, std::size_t n, F&& f)
        : unordered_workers_stage<Up, transform_work<typename Up::value_type, F>, F>{std::move(up), n, std::move(f),
                                                                                     "a transform_par_unordered"} {}
};

// Results that came before those of earlier elements wait with their workers.
template <class Up, class N, class F>
class transform_par_stage
    : public workers_stage<Up, transform_work<typename Up::value_type, F>, typename par_function<Up, F>::type> {
    using base = workers_stage<Up, transform_work<typename Up::value_type, F>, F>;
    using worker = typename base::state_type::worker;

public:
    transform_par_stage(Up&& up, std::size_t n, F&& f) : base{std::move(up), n, std::move(f), "a transform_par"} {}

    status poll_next(fiber_base& f, std::optional<typename base::value_type>& out) {
        auto& state = this->started(f);
        for (;;) {
            if (!early_.empty() && number(*early_.front()) == next_) {
                std::pop_heap(early_.begin(), early_.end(), is_later);
                worker& due = *early_.back();
                early_.pop_back();
                return give(due, out);
            }
            inlet_base* from = nullptr;
            status const s = state.news.wait(state.scope, f, from);
            if (s != status::value) {
                return s;
            }
            if (from->has_element()) {
                worker& w = state.as_worker(*from);
                if (number(w) == next_) {
                    return give(w, out);
                }
                early_.push_back(&w);
                std::push_heap(early_.begin(), early_.end(), is_later);
            } else if (from->is_closed() && state.is_over(*from)) {
                return status::end;
            }
        }
    }

private:
    static std::size_t number(worker& w) noexcept { return w.upstream().number(); }
    static bool is_later(worker* a, worker* b) noexcept { return number(*a) > number(*b); }

    status give(worker& w, std::optional<typename base::value_type>& out) {
        ++next_;
        w.take(out);
        return status::value;
    }

    std::vector<worker*> early_; // a heap, the earliest first
    std::size_t next_ = 0;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The results of `f(element)`, a plain function or one that returns a task, of up to `n` elements
// at once, in the order of the elements. Each call runs in a fiber of the stage, on a pool on any
// of its threads, so `f` is called by several at once. A result that is not taken yet counts as
// one of the `n`. A failure of upstream or of a call is the stream's at once: all other calls are
// interrupted, and results that were not taken are dropped. When the consumer stops or is
// interrupted, all calls are interrupted and have cleaned up before its result is seen.
// Throws std::invalid_argument if `n` is less than 1.
template <std::integral N, class F>
auto transform_par(N n, F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::transform_par_stage>(detail::checked_limit(n), std::forward<F>(f));
}

// The same with each result as soon as it is there, in whatever order.
template <std::integral N, class F>
auto transform_par_unordered(N n, F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::transform_par_unordered_stage>(detail::checked_limit(n), std::forward<F>(f));
}

} // namespace coir::inline v0::streams
