// Sources that compute their elements: unfold, from_task.
//
//     streams::unfold(first_page, [](std::string& cursor) -> task<std::optional<page>, http_error> { ... })
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/work.hpp>
#include <coir/stream/applying.hpp>
#include <coir/stream/each.hpp>

namespace coir::inline v0::detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class State, class F>
class unfold_source {
    static_assert(element_function<F, State&>, "coir: unfold takes a start value and a function of it");
    using apply = applying<F, State&>;
    using next = std::remove_cvref_t<typename apply::value_type>;
    static_assert(is_optional<next>, "coir: unfold takes a function that returns a std::optional, nothing for the end, "
                                     "or a task of one");

public:
    using value_type = typename next::value_type;
    using error_type = typename apply::error_type;

    template <class S, class G>
    unfold_source(std::in_place_t, S&& state, G&& f)
        : state_(std::forward<S>(state)), apply_{std::in_place, std::forward<G>(f)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if constexpr (apply::suspends) {
            if (!apply_.is_running()) {
                apply_.start(state_);
            }
            status const s = apply_.poll(f);
            if (s != status::value) {
                return s;
            }
            detail::hand_over(out, apply_.get());
            apply_.finish();
        } else {
            detail::hand_over(out, detail::invoke(apply_.function(), state_));
        }
        return out ? status::value : status::end;
    }
    static constexpr bool asks = true;
    template <class Give>
        requires(!apply::suspends)
    COIR_FUSED status poll_each(fiber_base&, Give give) {
        loop_local<State> state{state_};
        for (unsigned n = 0; n != budget && wants_more(give); ++n) {
            next made = detail::invoke(apply_.function(), *state);
            if (!made) {
                return status::end;
            }
            if (!give(std::move(*made))) {
                break;
            }
        }
        return status::value;
    }
    status poll_close(fiber_base&) noexcept { return status::value; }

    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return apply_.error();
    }
    std::exception_ptr defect() { return apply_.defect(); }
    fiber_id interrupted_by() { return apply_.interrupted_by(); }

private:
    State state_;
    apply apply_;
};

template <class Run>
class task_source {
    static_assert(!std::is_void_v<typename Run::value_type>, "coir: from_task takes a task that gives a value");

public:
    using value_type = std::remove_cvref_t<typename Run::value_type>;
    using error_type = typename Run::error_type;

    explicit task_source(Run&& run) : run_{std::move(run)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (given_) {
            return status::end;
        }
        status const s = run_.poll(f);
        if (s == status::value) {
            given_ = true;
            out.emplace(run_.get());
        }
        return s;
    }
    status poll_close(fiber_base&) noexcept { return status::value; }

    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return run_.error();
    }
    std::exception_ptr defect() { return run_.defect(); }
    fiber_id interrupted_by() { return run_.interrupted_by(); }

private:
    Run run_;
    bool given_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// What `f(state&)` returns, time and again: a std::optional whose value is the next element and
// nothing the end, or a task of such, which is awaited and whose failure is the stream's.
template <class State, class F>
auto unfold(State&& state, F&& f) {
    COIR_CHECK_VALUE(State);
    COIR_CHECK_CLOSURE(F);
    return detail::unfold_source<detail::stored<State>, detail::stored<F>>{
        std::in_place, detail::unwrap(std::forward<State>(state)), detail::unwrap(std::forward<F>(f))};
}

// One element: the value of what is awaited - a task, a deferred, whatever an await takes - or of
// what a callable returns. It begins with the first pull; its failure is the stream's. A value that
// is a reference is copied.
template <detail::awaited A>
    requires(!detail::uncalled_awaitable<A>)
auto from_task(A&& aw) {
    return detail::task_source<detail::operation_of<A>>{detail::to_operation(std::forward<A>(aw))};
}
template <class F>
    requires(!detail::awaited<F> || detail::uncalled_awaitable<F>) && detail::work<detail::stored<F>>
auto from_task(F&& f) {
    COIR_CHECK_CLOSURE(F);
    using run = detail::invocation<detail::stored<F>>;
    return detail::task_source<run>{run{detail::unwrap(std::forward<F>(f))}};
}

} // namespace coir::inline v0::streams
