// How error types combine, and which error fits into which: `errors<A, B, ...>` is the error
// type of everything that joins different errors, `accepts_error` is the rule of every await.
//
//     using e = coir::errors<not_found, coir::never, std::variant<io, not_found>>;
//     static_assert(std::is_same_v<e, std::variant<not_found, io>>);
//     static_assert(coir::accepts_error<e, io>);            // a task<T, e> may await a task<U, io>
//     static_assert(!coir::accepts_error<io, e>);           // not the other way round
//     e wide = coir::convert_error<e>(io{});
#pragma once

#include <coir/detail/vocabulary.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace coir::inline v0::detail {

template <class... Ts>
struct type_list {};

// Moves the alternatives of Rest to Done one by one: opens variants, drops never and doubles.
template <class Done, class... Rest>
struct flat_errors;

template <class... Done>
struct flat_errors<type_list<Done...>> {
    using type = std::variant<Done...>;
};
template <>
struct flat_errors<type_list<>> {
    using type = never;
};
template <class Only>
struct flat_errors<type_list<Only>> {
    using type = Only;
};
template <class... Done, class Next, class... Rest>
struct flat_errors<type_list<Done...>, Next, Rest...>
    : std::conditional_t<(std::is_same_v<Next, Done> || ...), flat_errors<type_list<Done...>, Rest...>,
                         flat_errors<type_list<Done..., Next>, Rest...>> {};
template <class... Done, class... Rest>
struct flat_errors<type_list<Done...>, never, Rest...> : flat_errors<type_list<Done...>, Rest...> {};
template <class... Done, class... Inner, class... Rest>
struct flat_errors<type_list<Done...>, std::variant<Inner...>, Rest...>
    : flat_errors<type_list<Done...>, Inner..., Rest...> {};

template <class F, class A>
inline constexpr bool has_alternative = false;
template <class... B, class A>
inline constexpr bool has_alternative<std::variant<B...>, A> = (std::is_same_v<A, B> || ...);

template <class F, class E>
inline constexpr bool has_alternatives_of = false;
template <class F, class... A>
inline constexpr bool has_alternatives_of<F, std::variant<A...>> = (has_alternative<F, A> && ...);

// Braces reject narrowing; the array keeps them from meaning "aggregate with this member".
template <class F>
struct braced {
    F only[1];
};
template <class E, class F>
concept converts_exactly =
    std::is_object_v<F> && std::is_convertible_v<E, F> && requires(E&& e) { braced<F>{{static_cast<E&&>(e)}}; };

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

/// The flat, deduplicated `std::variant` of its arguments, without `never` and in the order of
/// first appearance; variants among them are opened. One left is that type, none left is `never`.
template <class... Es>
using errors = typename detail::flat_errors<detail::type_list<>, Es...>::type;

/// `F` is an error type for `E`: an error `E` may end work whose error type is `F`, because it is
/// `never`, is `F`, is an alternative of `F`, is a variant all of whose alternatives are
/// alternatives of `F`, or (looked at last) converts to `F` without narrowing.
template <class F, class E>
concept error_for = std::same_as<E, never> || std::same_as<E, F> || detail::has_alternative<F, E> ||
                    detail::has_alternatives_of<F, E> || detail::converts_exactly<E, F>;

/// `error_for` as a value.
template <class F, class E>
inline constexpr bool accepts_error = error_for<F, E>;

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// By index: a variant a user wrote may name a type twice, and then the first one is meant.
template <class A, class F>
inline constexpr std::size_t index_in = 0;
template <class A, class First, class... Rest>
inline constexpr std::size_t index_in<A, std::variant<First, Rest...>> =
    std::is_same_v<A, First> ? 0 : 1 + index_in<A, std::variant<Rest...>>;

template <class F, class A>
constexpr F as_alternative(A&& error) {
    return F(std::in_place_index<index_in<std::remove_cvref_t<A>, F>>, std::forward<A>(error));
}

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

/// The error `error` as an `F`, by the first rule of `error_for` that fits. Throws what the
/// copy, move or conversion throws. A `never` cannot reach it.
template <class F, class E>
    requires error_for<F, std::remove_cvref_t<E>>
constexpr F convert_error(E&& error) {
    using source = std::remove_cvref_t<E>;
    if constexpr (std::is_same_v<source, never>) {
        std::terminate();
    } else if constexpr (std::is_same_v<source, F>) {
        return std::forward<E>(error);
    } else if constexpr (detail::has_alternative<F, source>) {
        return detail::as_alternative<F>(std::forward<E>(error));
    } else if constexpr (detail::has_alternatives_of<F, source>) {
        return std::visit([](auto&& one) { return detail::as_alternative<F>(std::forward<decltype(one)>(one)); },
                          std::forward<E>(error));
    } else {
        return std::forward<E>(error);
    }
}

} // namespace coir::inline v0
