// Several upstreams of one stage, each of its own type.
#pragma once

#include <coir/stream/concurrent/started_stage.hpp>

#include <concepts>
#include <cstddef>
#include <tuple>
#include <utility>

namespace coir::inline v0::detail {

template <class... Ups>
class inlets;

template <>
class inlets<> {
public:
    template <class Upstreams>
    inlets(stage_scope&, inlet_news&, fiber_base&, Upstreams&) noexcept {}

    void start() noexcept {}
    template <class F>
    bool all_of(F&&) const {
        return true;
    }
};

template <class Up, class... Rest>
class inlets<Up, Rest...> {
public:
    // Of what is left of the tuple `ups`, which ends with Up, Rest...
    template <class Upstreams>
    inlets(stage_scope& scope, inlet_news& news, fiber_base& f, Upstreams& ups)
        : first_{scope, news, f, std::move(std::get<std::tuple_size_v<Upstreams> - 1 - sizeof...(Rest)>(ups))},
          rest_{scope, news, f, ups} {}

    void start() noexcept {
        first_.start();
        rest_.start();
    }

    // Calls `f` with the one that is `which`.
    template <class F>
    auto visit(inlet_base const* which, F&& f) {
        if constexpr (sizeof...(Rest) == 0) {
            return f(first_);
        } else {
            return which == &first_ ? f(first_) : rest_.visit(which, f);
        }
    }

    template <class F>
    bool all_of(F&& f) const {
        return f(first_) && rest_.all_of(f);
    }

    template <std::size_t I>
    auto& get() noexcept {
        if constexpr (I == 0) {
            return first_;
        } else {
            return rest_.template get<I - 1>();
        }
    }
    inlet<Up>& only() noexcept
        requires(sizeof...(Rest) == 0)
    {
        return first_;
    }
    bool first_is(inlet_base const* which) const noexcept { return which == &first_; }

private:
    inlet<Up> first_;
    COIR_NO_UNIQUE_ADDRESS inlets<Rest...> rest_;
};

// The state of a stage over inlets from its first pull on; a base of it, or all.
template <class... Ups>
struct inlets_state {
    inlets_state(char const* what, fiber_base& f, std::tuple<Ups...>& ups) : scope{what}, in{scope, news, f, ups} {}

    void start() noexcept { in.start(); }
    template <class G>
    auto visit(inlet_base const* which, G&& g) {
        return in.visit(which, g);
    }

    stage_scope scope;
    inlet_news news;
    inlets<Ups...> in;
};

// The base of a stage over inlets. State: made from `(f, ups)`.
template <class State, class... Ups>
class inlets_stage : public started_stage<State, errors<typename Ups::error_type...>> {
public:
    explicit inlets_stage(Ups&&... ups) : ups_{std::move(ups)...} {}

protected:
    State& started(fiber_base& f) { return this->started_with(f, ups_); }

private:
    std::tuple<Ups...> ups_; // until the first pull
};

} // namespace coir::inline v0::detail
