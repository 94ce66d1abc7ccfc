// The conversions and the chaining operations of result<T, E>, each once for all value
// categories. Written against the observers that result shares with std::expected.
//
//     transform_result(r, f);             // result<decltype(f(*r)), E>
//     result_and_then(std::move(r), f);   // f's result, errors joined
//     widened_result<long, errors<a, b>>(r);
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/result_storage.hpp>
#include <coir/errors.hpp>

#include <concepts>
#include <type_traits>
#include <utility>
#include <version>

#if defined(__cpp_lib_expected)
#include <expected>
#endif

namespace coir::inline v0 {
template <class T, class E>
class result;
}

namespace coir::inline v0::detail {

template <class R>
inline constexpr bool is_result = false;
template <class T, class E>
inline constexpr bool is_result<result<T, E>> = true;
#if defined(__cpp_lib_expected)
template <class T, class E>
inline constexpr bool is_result<std::expected<T, E>> = true;
#endif

template <class U>
inline constexpr bool is_choice_tag = std::is_same_v<U, in_place_success_t> || std::is_same_v<U, in_place_failure_t>;

// A result is taken as a value only where the value type is itself one: otherwise its error
// would vanish in a conversion, as in result<bool, E> from a result with operator bool.
template <class Result, class U>
concept value_for = !std::same_as<std::remove_cvref_t<U>, Result> && !is_choice_tag<std::remove_cvref_t<U>> &&
                    (!is_result<std::remove_cvref_t<U>> ||
                     std::same_as<std::remove_cvref_t<U>, std::remove_cvref_t<typename Result::value_type>>) &&
                    storable<typename Result::value_type, U>;

// Where the value type is the other result, that is a value and not taken apart.
template <class Result, class Other, class Access>
concept widens_from =
    !std::same_as<Result, Other> && !std::same_as<std::remove_cvref_t<typename Result::value_type>, Other> &&
    widens_to<typename Result::value_type, Access> &&
    error_for<typename Result::error_type, typename Other::error_type>;

template <class T, class U>
inline constexpr bool implicit_value = std::is_convertible_v<U, T>;

// A user's own variant may name a type twice, so one and the same type is not taken apart.
template <class E, class G>
struct joined {
    using type = errors<E, G>;
};
template <class E>
struct joined<E, E> {
    using type = E;
};

template <class R>
using value_of = typename std::remove_cvref_t<R>::value_type;
template <class R>
using error_of = typename std::remove_cvref_t<R>::error_type;

template <class F, class R>
constexpr decltype(auto) call_with_result(F&& f, R&& r) {
    if constexpr (std::is_void_v<value_of<R>>)
        return detail::invoke(std::forward<F>(f));
    else
        return detail::invoke(std::forward<F>(f), *std::forward<R>(r));
}

// Dereferencing void does nothing, so To is made from what the value gives, or from nothing.
template <class To, class R>
constexpr To same_value(R&& r) {
    if constexpr (std::is_void_v<value_of<R>>)
        return To(in_place_success);
    else
        return To(in_place_success, *std::forward<R>(r));
}
template <class To, class R>
constexpr To same_error(R&& r) {
    return To(in_place_failure, convert_error<typename To::error_type>(std::forward<R>(r).error()));
}

template <class T, class E, class R>
constexpr result_storage<T, E> widened_result(R&& r) {
    using storage = result_storage<T, E>;
    if (!r.has_value()) return storage(in_place_failure, convert_error<E>(std::forward<R>(r).error()));
    return same_value<storage>(std::forward<R>(r));
}

template <class R, class F>
constexpr auto transform_result(R&& r, F&& f) {
    using value = std::remove_cv_t<decltype(call_with_result(std::forward<F>(f), std::forward<R>(r)))>;
    using to = result<value, error_of<R>>;
    if (!r.has_value()) return same_error<to>(std::forward<R>(r));
    if constexpr (std::is_void_v<value>) {
        call_with_result(std::forward<F>(f), std::forward<R>(r));
        return to(in_place_success);
    } else {
        return to(in_place_success, call_with_result(std::forward<F>(f), std::forward<R>(r)));
    }
}

template <class R, class F>
constexpr auto result_and_then(R&& r, F&& f) {
    using next = std::remove_cvref_t<decltype(call_with_result(std::forward<F>(f), std::forward<R>(r)))>;
    static_assert(is_result<next>, "coir: and_then takes a function that returns a result");
    using to = result<value_of<next>, typename joined<error_of<R>, error_of<next>>::type>;
    if (!r.has_value()) return same_error<to>(std::forward<R>(r));
    return to(call_with_result(std::forward<F>(f), std::forward<R>(r)));
}

template <class R, class F>
constexpr auto result_or_else(R&& r, F&& f) {
    using next = std::remove_cvref_t<std::invoke_result_t<F, decltype(std::forward<R>(r).error())>>;
    static_assert(is_result<next>, "coir: or_else takes a function that returns a result");
    static_assert(std::is_same_v<value_of<next>, value_of<R>>,
                  "coir: or_else takes a function whose result has the same value type");
    using to = result<value_of<next>, error_of<next>>;
    if (r.has_value()) return same_value<to>(std::forward<R>(r));
    return to(detail::invoke(std::forward<F>(f), std::forward<R>(r).error()));
}

template <class R, class F>
constexpr auto transform_result_error(R&& r, F&& f) {
    using error = std::remove_cvref_t<std::invoke_result_t<F, decltype(std::forward<R>(r).error())>>;
    using to = result<value_of<R>, error>;
    if (r.has_value()) return same_value<to>(std::forward<R>(r));
    return to(in_place_failure, detail::invoke(std::forward<F>(f), std::forward<R>(r).error()));
}

#if defined(__cpp_lib_expected)
template <class R>
constexpr auto standard_expected(R&& r) {
    using to = std::expected<value_of<R>, error_of<R>>;
    if (!r.has_value()) return to(std::unexpect, std::forward<R>(r).error());
    if constexpr (std::is_void_v<value_of<R>>)
        return to();
    else
        return to(std::in_place, *std::forward<R>(r));
}
#endif

} // namespace coir::inline v0::detail
