// std::invoke, without the rest of <functional>.
//
//     detail::invoke(f, 1, 2);               // f(1, 2)
//     detail::invoke(&order::total, o);      // o.total or o.total(); `o` may be a pointer, or a
//                                            // std::reference_wrapper, to an order
#pragma once

#include <coir/detail/config.hpp>
#include <coir/detail/std/functional.hpp>

#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;

// The object of class C that a pointer to a member is applied to.
template <class C, class T>
constexpr decltype(auto) member_owner(T&& of) {
    using given = std::remove_cvref_t<T>;
    if constexpr (std::is_base_of_v<C, given>) {
        return std::forward<T>(of);
    } else if constexpr (is_reference_wrapper<given>) {
        return of.get();
    } else {
        return *std::forward<T>(of);
    }
}

template <class C, class M, class T, class... Args>
constexpr decltype(auto) invoke_member(M C::* member, T&& of, Args&&... args) {
    if constexpr (std::is_function_v<M>) {
        return (member_owner<C>(std::forward<T>(of)).*member)(std::forward<Args>(args)...);
    } else {
        return member_owner<C>(std::forward<T>(of)).*member;
    }
}

COIR_UNINITIALIZED_GUESSES_OFF
template <class F, class... Args>
    requires std::is_invocable_v<F, Args...>
constexpr std::invoke_result_t<F, Args...> invoke(F&& f,
                                                  Args&&... args) noexcept(std::is_nothrow_invocable_v<F, Args...>) {
    if constexpr (std::is_member_pointer_v<std::remove_cvref_t<F>>) {
        return invoke_member(f, std::forward<Args>(args)...);
    } else {
        return std::forward<F>(f)(std::forward<Args>(args)...);
    }
}
COIR_UNINITIALIZED_GUESSES_ON

struct identity {
    template <class T>
    constexpr T&& operator()(T&& x) const noexcept {
        return std::forward<T>(x);
    }
};

} // namespace coir::inline v0::detail
