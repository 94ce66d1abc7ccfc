// Looking at an end as a value, and changing it.
//
//     auto const r = co_await coir::as_result(parse(text));              // result<T, E>
//     auto const o = co_await (download(url) | coir::as_outcome());      // outcome<T, E>
//     auto const n = co_await (parse(text) | coir::transform(count) | coir::value_or(0));
//
// Each is called as `f(aw, ...)` or as `aw | f(...)`. What a function throws is a defect.
#pragma once

#include <coir/detail/chain_operation.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/detail/map_operation.hpp>
#include <coir/detail/pipe.hpp>
#include <coir/detail/show_operation.hpp>

namespace coir::inline v0::detail {

// Op<operation of A, stored F> from `aw` and `f`.
template <template <class, class> class Op>
inline constexpr auto adapt_with = []<class A, class F>(A&& aw, F&& f) {
    return Op<operation_of<A>, stored<F>>{to_operation(std::forward<A>(aw)), unwrap(std::forward<F>(f))};
};

// `f` is kept as it was passed: a closure in moved() is moved from at the end only.
template <template <class, class> class Op, class F>
auto adapt_piped(F&& f) {
    return make_piped(adapt_with<Op>, std::forward<F>(f));
}

// A parameter pack that is always empty makes the pipe forms less specialised than the stages of
// the same name: with both namespaces in use, an unqualified name means the stream's.
template <class... None>
concept nothing_more = sizeof...(None) == 0;

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// A failure becomes a value: -> result<T, E>. Defects and interruption pass through.
template <detail::awaited A>
auto as_result(A&& aw) {
    using op = detail::operation_of<A>;
    return detail::as_result_operation<op>{detail::to_operation(std::forward<A>(aw))};
}

// Every end of what is awaited becomes a value: -> outcome<T, E>. The interruption of the fiber
// that runs it passes through, unless a mask hides it from here.
template <detail::awaited A>
auto as_outcome(A&& aw) {
    using op = detail::operation_of<A>;
    return detail::as_outcome_operation<op>{detail::to_operation(std::forward<A>(aw))};
}

inline auto as_result() {
    return detail::make_piped([](auto&& aw) { return coir::as_result(std::forward<decltype(aw)>(aw)); });
}
inline auto as_outcome() {
    return detail::make_piped([](auto&& aw) { return coir::as_outcome(std::forward<decltype(aw)>(aw)); });
}

// A success gives f(value) instead, or f() after void.
template <detail::awaited A, class F>
auto transform(A&& aw, F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::adapt_with<detail::transform_operation>(std::forward<A>(aw), std::forward<F>(f));
}
template <class F, class... None>
    requires detail::nothing_more<None...>
auto transform(F&& f, None...) {
    COIR_CHECK_CLOSURE(F);
    return detail::adapt_piped<detail::transform_operation>(std::forward<F>(f));
}

// A success goes on with the awaitable f(value), whose errors join the others. The value lives as
// long as that runs.
template <detail::awaited A, class F>
auto and_then(A&& aw, F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::adapt_with<detail::and_then_operation>(std::forward<A>(aw), std::forward<F>(f));
}
template <class F, class... None>
    requires detail::nothing_more<None...>
auto and_then(F&& f, None...) {
    COIR_CHECK_CLOSURE(F);
    return detail::adapt_piped<detail::and_then_operation>(std::forward<F>(f));
}

// A failure goes on with the awaitable f(error), which gives the same type of value and whose
// error type is that of the whole.
template <detail::awaited A, class F>
auto or_else(A&& aw, F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::adapt_with<detail::or_else_operation>(std::forward<A>(aw), std::forward<F>(f));
}
template <class F, class... None>
    requires detail::nothing_more<None...>
auto or_else(F&& f, None...) {
    COIR_CHECK_CLOSURE(F);
    return detail::adapt_piped<detail::or_else_operation>(std::forward<F>(f));
}

// A failure becomes f(error).
template <detail::awaited A, class F>
auto transform_error(A&& aw, F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::adapt_with<detail::transform_error_operation>(std::forward<A>(aw), std::forward<F>(f));
}
template <class F, class... None>
    requires detail::nothing_more<None...>
auto transform_error(F&& f, None...) {
    COIR_CHECK_CLOSURE(F);
    return detail::adapt_piped<detail::transform_error_operation>(std::forward<F>(f));
}

// A failure becomes the value `v`. Defects and interruption pass through.
template <detail::awaited A, class V>
auto value_or(A&& aw, V&& v) {
    COIR_CHECK_VALUE(V);
    return detail::adapt_with<detail::value_or_operation>(std::forward<A>(aw), std::forward<V>(v));
}
template <class V, class... None>
    requires detail::nothing_more<None...>
auto value_or(V&& v, None...) {
    COIR_CHECK_VALUE(V);
    return detail::adapt_piped<detail::value_or_operation>(std::forward<V>(v));
}

} // namespace coir::inline v0
