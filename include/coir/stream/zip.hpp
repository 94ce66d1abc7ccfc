// Elements of several streams side by side.
//
//     names | streams::zip(ages)                    // (name, age), until one side ends
//     streams::zip(a(), b(), c())
//     width | streams::zip_latest(height)           // the newest of each, whenever one changes
#pragma once

#include <coir/stream/concurrent/inlets.hpp>

#include <cstddef>
#include <tuple>

namespace coir::inline v0::detail {

// Pulls one side after the other, so nothing is pulled that may turn out not to be needed.
template <class... Ups>
class zip_source {
    static constexpr std::size_t count = sizeof...(Ups);

public:
    using value_type = std::tuple<typename Ups::value_type...>;
    using error_type = errors<typename Ups::error_type...>;

    explicit zip_source(Ups&&... ups) : ups_{std::move(ups)...} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) { return pull_from<0>(f, out); }

    // The last first; goes on if a finalizer throws.
    status poll_close(fiber_base& f) {
        while (closed_ != count) {
            std::exception_ptr thrown;
            status const s = visit(count - 1 - closed_, [&](auto& up) {
                status const how = up.poll_close(f);
                thrown = how == status::defect ? up.defect() : nullptr;
                return how;
            });
            if (!has_ended(s)) {
                return s;
            }
            ++closed_;
            if (thrown && thrown_) {
                f.suppressed.add(std::move(thrown));
            } else if (thrown) {
                thrown_ = std::move(thrown);
            }
        }
        return thrown_ ? status::defect : status::value;
    }

    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return visit(at_, [](auto& up) { return error_as<error_type>(up); });
    }
    std::exception_ptr defect() {
        return closed_ == 0 ? visit(at_, [](auto& up) -> std::exception_ptr { return up.defect(); }) : thrown_;
    }
    fiber_id interrupted_by() {
        return visit(at_, [](auto& up) { return up.interrupted_by(); });
    }

private:
    // What was pulled stays in `held_` until all sides have given theirs.
    template <std::size_t I>
    status pull_from(fiber_base& f, std::optional<value_type>& out) {
        if constexpr (I == count) {
            at_ = 0;
            std::apply([&](auto&... held) { out.emplace(std::move(*held)...); }, held_);
            std::apply([](auto&... held) { (held.reset(), ...); }, held_);
            return status::value;
        } else {
            if (at_ == I) {
                status const s = std::get<I>(ups_).poll_next(f, std::get<I>(held_));
                if (s != status::value) {
                    return s;
                }
                ++at_;
            }
            return pull_from<I + 1>(f, out);
        }
    }

    template <std::size_t I = 0, class F>
    auto visit(std::size_t which, F f) {
        if constexpr (I + 1 == count) {
            return f(std::get<I>(ups_));
        } else {
            return which == I ? f(std::get<I>(ups_)) : visit<I + 1>(which, std::move(f));
        }
    }

    std::tuple<Ups...> ups_;
    std::tuple<std::optional<typename Ups::value_type>...> held_;
    std::size_t at_ = 0; // the one to be pulled
    std::size_t closed_ = 0;
    std::exception_ptr thrown_; // in closing
};

template <class Up, class... Others>
class zip_stage : public zip_source<Up, Others...> {
    using zip_source<Up, Others...>::zip_source;
};

template <class... Ups>
struct latest_state : inlets_state<Ups...> {
    latest_state(fiber_base& f, std::tuple<Ups...>& ups) : inlets_state<Ups...>{"a side of a zip_latest", f, ups} {}

    std::tuple<std::optional<typename Ups::value_type>...> newest;
};

template <class... Ups>
class zip_latest_source : public inlets_stage<latest_state<Ups...>, Ups...> {
    static_assert((std::copy_constructible<typename Ups::value_type> && ...),
                  "coir: zip_latest gives the newest elements again and again, so they must be copyable");

public:
    using value_type = std::tuple<typename Ups::value_type...>;

    using inlets_stage<latest_state<Ups...>, Ups...>::inlets_stage;

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        auto& state = this->started(f);
        for (;;) {
            inlet_base* from = nullptr;
            status const s = state.news.wait(state.scope, f, from);
            if (s != status::value) {
                return s;
            }
            if (from->has_element()) {
                take(state, from, std::index_sequence_for<Ups...>{});
                if (emit(state, out)) {
                    return status::value;
                }
            } else if (from->has_ended() && is_over(state, std::index_sequence_for<Ups...>{})) {
                return status::end;
            }
        }
    }

private:
    using state_type = latest_state<Ups...>;

    template <std::size_t... I>
    static void take(state_type& state, inlet_base* from, std::index_sequence<I...>) {
        (take_at<I>(state, from), ...);
    }
    template <std::size_t I>
    static void take_at(state_type& state, inlet_base* from) {
        auto& side = state.in.template get<I>();
        if (from == &side) {
            side.take(std::get<I>(state.newest));
        }
    }

    // Once each side has given something.
    static bool emit(state_type& state, std::optional<value_type>& out) {
        return std::apply(
            [&](auto&... newest) {
                if (!(newest && ...)) {
                    return false;
                }
                out.emplace(*newest...);
                return true;
            },
            state.newest);
    }

    // All have ended, or one that never gave anything: then there will be no output.
    template <std::size_t... I>
    static bool is_over(state_type& state, std::index_sequence<I...>) {
        return (... && state.in.template get<I>().has_ended()) ||
               (... || (state.in.template get<I>().has_ended() && !std::get<I>(state.newest)));
    }
};

template <class Up, class... Others>
class zip_latest_stage : public zip_latest_source<Up, Others...> {
    using zip_latest_source<Up, Others...>::zip_latest_source;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// `a | zip(b)`: std::tuple of an element of each, until one side ends; then the others are closed.
// The sides are pulled one after the other in the consumer's fiber: a side is not pulled when one
// before it has ended. A failure of a side is the stream's; what was pulled of others is dropped.
template <class Other>
auto zip(Other&& other) {
    static_assert(async_stream<Other>, "coir: zip takes streams, as rvalues: zip(std::move(other))");
    return detail::make_stage<detail::zip_stage>(std::forward<Other>(other));
}

// `zip(a, b, c)`: a source.
template <class A, class B, class... More>
auto zip(A&& a, B&& b, More&&... more) {
    static_assert(async_stream<A> && async_stream<B> && (... && async_stream<More>),
                  "coir: zip takes streams, as rvalues: zip(std::move(a), ...)");
    return detail::zip_source<A, B, More...>{std::move(a), std::move(b), std::move(more)...};
}

// `a | zip_latest(b)`: std::tuple of the newest element of each side, a copy, whenever one side
// gives a new one; the first when each has given one. Ends when all sides have, or when one ends
// that has given nothing. Each side is pulled by a fiber of its own and is one element ahead at
// most. A failure of a side is the stream's at once, and interrupts the others.
template <class Other>
auto zip_latest(Other&& other) {
    static_assert(async_stream<Other>, "coir: zip_latest takes streams, as rvalues: zip_latest(std::move(other))");
    return detail::make_stage<detail::zip_latest_stage>(std::forward<Other>(other));
}

// `zip_latest(a, b, c)`: a source.
template <class A, class B, class... More>
auto zip_latest(A&& a, B&& b, More&&... more) {
    static_assert(async_stream<A> && async_stream<B> && (... && async_stream<More>),
                  "coir: zip_latest takes streams, as rvalues: zip_latest(std::move(a), ...)");
    return detail::zip_latest_source<A, B, More...>{std::move(a), std::move(b), std::move(more)...};
}

} // namespace coir::inline v0::streams
