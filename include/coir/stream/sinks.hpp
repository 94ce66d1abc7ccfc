// What runs a stream: operations, to be awaited.
//
//     int const sum = co_await (numbers | streams::fold(0, std::plus{}));
//
// A sink pulls until the stream ends or something fails, closes the stream - its finalizers have
// run, masked, before the result is seen - and then ends.
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/stream/applying.hpp>
#include <coir/stream/closing.hpp>

#include <variant>
#include <vector>

namespace coir::inline v0::detail {

// Sink: accept(f, element) -> value: next; end: enough; other: as operation::poll, then poll(f)
// goes on; value_type result(). One that says that it never suspends is part of the stream's loop.
template <class Sink>
inline constexpr bool may_suspend = true;
template <class Sink>
    requires requires { Sink::suspends; }
inline constexpr bool may_suspend<Sink> = Sink::suspends;

COIR_UNINITIALIZED_GUESSES_OFF
template <class Up, class Sink>
class [[nodiscard]] sink_operation {
public:
    using value_type = typename Sink::value_type;
    using error_type = errors<typename Up::error_type, typename Sink::error_type>;

    template <class... Args>
    explicit sink_operation(Up&& up, Args&&... args) : up_{std::move(up)}, sink_(std::forward<Args>(args)...) {}
    sink_operation(sink_operation&&) = default;

    status poll(fiber_base& f) {
        if (!has_ended(ended_)) {
            ended_ = run(f);
            if (!has_ended(ended_)) {
                return ended_;
            }
        }
        status const s = up_.close(f, ended_);
        return s == status::end ? status::value : s;
    }

    value_type get() {
        if (ended_ == status::defect) {
            std::rethrow_exception(defect());
        }
        return sink_.result();
    }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return sink_ended_ ? error_as<error_type>(sink_) : error_as<error_type>(up_.stream());
    }
    std::exception_ptr defect() { return up_.defect(); }
    fiber_id interrupted_by() { return sink_ended_ ? sink_.interrupted_by() : up_.stream().interrupted_by(); }

private:
    status run(fiber_base& f) noexcept {
        if constexpr (may_suspend<Sink>) {
            return run_one_by_one(f);
        } else {
            return run_in_loop(f);
        }
    }

    status run_in_loop(fiber_base& f) noexcept {
        status accepted = status::value;
        loop_local<Sink> sink{sink_};
        status const s = up_.each(f, [&](typename Up::value_type&& x) COIR_FUSED_LAMBDA {
            status const now = sink->accept(f, x);
            if (now != status::value) {
                accepted = now;
            }
            return now == status::value;
        });
        if (accepted != status::value) {
            sink_ended_ = true;
            if (accepted == status::defect) {
                up_.die(sink->defect());
            }
            return accepted;
        }
        return s;
    }

    status run_one_by_one(fiber_base& f) noexcept {
        for (;;) {
            if (!accepting_) {
                element_.reset();
                status const s = up_.pull(f, element_);
                if (s != status::value) {
                    return s;
                }
            }
            status const s = accept(f);
            accepting_ = !has_ended(s);
            if (s != status::value) {
                sink_ended_ = has_ended(s);
                return s;
            }
        }
    }

    status accept(fiber_base& f) noexcept {
        try {
            status const s = accepting_ ? sink_.poll(f) : sink_.accept(f, *element_);
            if (s == status::defect) {
                up_.die(sink_.defect());
            }
            return s;
        } catch (...) {
            up_.die(std::current_exception());
            return status::defect;
        }
    }

    closing<Up> up_;
    Sink sink_;
    COIR_NO_UNIQUE_ADDRESS std::conditional_t<may_suspend<Sink>, std::optional<typename Up::value_type>, std::monostate>
        element_; // that the sink is busy with
    status ended_ = status::pending;
    bool accepting_ = false;
    bool sink_ended_ = false;
};
COIR_UNINITIALIZED_GUESSES_ON

// The part of a sink whose function never suspends.
class plain_sink {
public:
    using error_type = never;
    static constexpr bool suspends = false;
    status poll(fiber_base&) noexcept { return status::value; }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }
};

template <class T>
class vector_sink : public plain_sink {
public:
    using value_type = std::vector<T>;
    status accept(fiber_base&, T& element) {
        elements_.push_back(std::move(element));
        return status::value;
    }
    value_type result() { return std::move(elements_); }

private:
    value_type elements_;
};

template <class T, class State, class F>
class fold_sink : public plain_sink {
    static_assert(std::invocable<F&, State, T>, "coir: fold takes a start value and a function of state and element");
    static_assert(
        requires(State& state, F& f, T& x) { state = detail::invoke(f, std::move(state), std::move(x)); },
        "coir: the function of fold returns the new state, of the type of the start value");

public:
    using value_type = State;
    fold_sink(State&& init, F&& f) : state_(std::move(init)), f_(std::move(f)) {}
    status accept(fiber_base&, T& element) {
        state_ = detail::invoke(f_, std::move(state_), std::move(element));
        return status::value;
    }
    State result() { return std::move(state_); }

private:
    State state_;
    COIR_NO_UNIQUE_ADDRESS F f_; // padding is in the way of the vectoriser
};

template <class T>
class drain_sink : public plain_sink {
public:
    using value_type = void;
    status accept(fiber_base&, T&) noexcept { return status::value; }
    void result() const noexcept {}
};

template <class T, class F>
class each_sink {
    static_assert(element_function<F, T>, "coir: for_each takes a function of one element");
    using apply = applying<F, T>;

public:
    using value_type = void;
    using error_type = typename apply::error_type;
    static constexpr bool suspends = apply::suspends;

    explicit each_sink(F&& f) : apply_{std::in_place, std::move(f)} {}

    status accept(fiber_base& f, T& element) {
        if constexpr (apply::suspends) {
            apply_.start(std::move(element));
            return poll(f);
        } else {
            detail::invoke(apply_.function(), std::move(element));
            return status::value;
        }
    }
    status poll(fiber_base& f) {
        if constexpr (apply::suspends) {
            status const s = apply_.poll(f);
            if (s == status::value) {
                static_cast<void>(apply_.get());
                apply_.finish();
            }
            return s;
        } else {
            return status::value;
        }
    }
    void result() const noexcept {}
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return apply_.error();
    }
    std::exception_ptr defect() { return apply_.defect(); }
    fiber_id interrupted_by() { return apply_.interrupted_by(); }

private:
    apply apply_;
};

// Classes, as an alias cannot be a template template argument of any arity.
template <class Up>
class to_vector_operation : public sink_operation<Up, vector_sink<typename Up::value_type>> {
    using sink_operation<Up, vector_sink<typename Up::value_type>>::sink_operation;
};
template <class Up>
class drain_operation : public sink_operation<Up, drain_sink<typename Up::value_type>> {
    using sink_operation<Up, drain_sink<typename Up::value_type>>::sink_operation;
};
template <class Up, class F>
class for_each_operation : public sink_operation<Up, each_sink<typename Up::value_type, F>> {
    using sink_operation<Up, each_sink<typename Up::value_type, F>>::sink_operation;
};
template <class Up, class State, class F>
class fold_operation : public sink_operation<Up, fold_sink<typename Up::value_type, State, F>> {
    using sink_operation<Up, fold_sink<typename Up::value_type, State, F>>::sink_operation;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// Calls `f` with each element, moved; awaits what it returns if that is awaitable.
template <class F>
auto for_each(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::for_each_operation>(std::forward<F>(f));
}

// All elements -> std::vector<T>.
inline auto to_vector() { return detail::make_stage<detail::to_vector_operation>(); }

// `state = f(state, element)` for each, from `init` -> the last state.
template <class State, class F>
auto fold(State&& init, F&& f) {
    COIR_CHECK_VALUE(State);
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::fold_operation>(std::forward<State>(init), std::forward<F>(f));
}

// Runs the stream for its effects.
inline auto drain() { return detail::make_stage<detail::drain_operation>(); }

} // namespace coir::inline v0::streams
