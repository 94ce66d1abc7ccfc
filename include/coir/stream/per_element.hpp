// Stages that look at one element at a time: transform, filter, tap, take.
//
//     source | streams::filter(is_even) | streams::transform(square) | streams::take(10)
//
// They are fused: a pipeline of them is one state machine, without an allocation or a coroutine
// frame per stage. transform, filter and tap also take functions that return a task, which is
// awaited.
#pragma once

#include <coir/detail/count_argument.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/stream/awaiting.hpp>
#include <coir/stream/selecting.hpp>

#include <cstddef>

namespace coir::inline v0::detail {

template <class F, class Arg>
concept awaited_function = element_function<F, Arg> && awaitable<std::invoke_result_t<F&, Arg>>;

template <class Up, class F>
class transform_stage : public stage<Up> {
    static_assert(element_function<F, typename Up::value_type>, "coir: transform takes a function of one element");
    using element = typename Up::value_type;

public:
    using value_type = std::remove_cvref_t<std::invoke_result_t<F&, element>>;
    static_assert(gives_element<value_type>, "coir: transform takes a function that returns something; what is done "
                                             "for its effect is tap, or for_each");

    transform_stage(Up&& up, F&& f) : stage<Up>{std::move(up)}, f_(std::move(f)) {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        std::optional<element> in;
        status const s = this->up_.poll_next(f, in);
        if (s == status::value) {
            out.emplace(detail::invoke(f_, std::move(*in)));
        }
        return s;
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        return pull_each(this->up_, f, giving(give, [&](element&& x) COIR_FUSED_LAMBDA {
                             value_type made(detail::invoke(f_, std::move(x)));
                             return give(std::move(made));
                         }));
    }

private:
    F f_;
};

template <class F>
struct wanted {
    using state = unit;

    template <class T>
    bool passes(unit&, T const& element) {
        return detail::invoke(keep, element);
    }

    F keep;
};

template <class Up, class F>
class filter_stage : public selecting_stage<Up, wanted<F>> {
    static_assert(element_predicate<F, typename Up::value_type>,
                  "coir: filter takes a function of one element that returns bool, or a task of bool");

public:
    filter_stage(Up&& up, F&& f) : selecting_stage<Up, wanted<F>>{std::move(up), {std::move(f)}} {}
};

template <class Up, class F>
class tap_stage : public stage<Up> {
    static_assert(element_function<F, typename Up::value_type const&>, "coir: tap takes a function of one element");
    using element = typename Up::value_type;

public:
    tap_stage(Up&& up, F&& f) : stage<Up>{std::move(up)}, f_(std::move(f)) {}

    status poll_next(fiber_base& f, std::optional<element>& out) {
        status const s = this->up_.poll_next(f, out);
        if (s == status::value) {
            detail::invoke(f_, std::as_const(*out));
        }
        return s;
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        return pull_each(this->up_, f, giving(give, [&](element&& x) COIR_FUSED_LAMBDA {
                             detail::invoke(f_, std::as_const(x));
                             return give(std::move(x));
                         }));
    }

private:
    F f_;
};

// The same with functions that return a task.

template <class Up, class F>
    requires awaited_function<F, typename Up::value_type>
class transform_stage<Up, F> : public awaiting_stage<Up, F, transforming<Up, F>> {
    using awaiting_stage<Up, F, transforming<Up, F>>::awaiting_stage;
};

template <class Up, class F>
    requires awaited_function<F, typename Up::value_type const&>
class filter_stage<Up, F> : public awaiting_stage<Up, F, filtering<Up, F>> {
    using awaiting_stage<Up, F, filtering<Up, F>>::awaiting_stage;
};

template <class Up, class F>
    requires awaited_function<F, typename Up::value_type const&>
class tap_stage<Up, F> : public awaiting_stage<Up, F, tapping<Up, F>> {
    using awaiting_stage<Up, F, tapping<Up, F>>::awaiting_stage;
};

struct first_n {
    using state = std::size_t; // how many are left

    static bool is_over(std::size_t left) noexcept { return left == 0; }
    template <class T>
    static void note(std::size_t& left, T const&) noexcept {
        --left;
    }
};

template <class Up, class N>
class take_stage : public limited_stage<Up, first_n> {
public:
    take_stage(Up&& up, N n) : limited_stage<Up, first_n>{std::move(up), {}, n} {}
};

// `task | transform(f)` where both namespaces are in use and the name means the stream's.
template <awaitable A, class F>
auto operator|(A&& aw, stage_closure<transform_stage, F>&& self) {
    return std::move(self).pass_to([&](F&& f) { return coir::transform(std::forward<A>(aw), std::move(f)); });
}

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

template <class F>
auto transform(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::transform_stage>(std::forward<F>(f));
}

// The elements for which `keep(element const&)` is true: a function that returns bool, or a task of
// bool, whose failure is the stream's.
template <class F>
auto filter(F&& keep) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::filter_stage>(std::forward<F>(keep));
}

// Calls `f(element const&)` for each element that passes.
template <class F>
auto tap(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::tap_stage>(std::forward<F>(f));
}

// The first `n`; after them upstream is not pulled any more. Negative: std::invalid_argument.
inline auto take(detail::count_argument n) { return detail::make_stage<detail::take_stage>(n.value()); }

} // namespace coir::inline v0::streams
