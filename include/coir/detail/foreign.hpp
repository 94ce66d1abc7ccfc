// What an awaitable of another library looks like to us.
//
// The language asks for little: an operand with a member or free operator co_await, or none, whose
// result has await_ready, await_suspend and await_resume. The handle that await_suspend gets is
// that of a bridge (bridge.hpp).
#pragma once

#include <coir/detail/inline_closure.hpp>

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

struct bridge_promise;

template <class R>
inline constexpr bool is_suspend_result = std::is_void_v<R> || std::convertible_to<R, bool>;
template <class Promise>
inline constexpr bool is_suspend_result<std::coroutine_handle<Promise>> = true;

// Always used as an lvalue, as the compiler does.
template <class W>
concept foreign_awaiter =
    requires(W& w, std::coroutine_handle<bridge_promise> h) {
        { w.await_ready() } -> std::convertible_to<bool>;
        w.await_suspend(h);
        w.await_resume();
    } &&
    is_suspend_result<decltype(std::declval<W&>().await_suspend(
        std::declval<std::coroutine_handle<bridge_promise>>()))>;

template <class A>
concept has_member_co_await = requires(A&& a) { static_cast<A&&>(a).operator co_await(); };

template <class A>
concept has_free_co_await = requires(A&& a) { operator co_await(static_cast<A&&>(a)); };

template <class A>
decltype(auto) awaiter_of(A&& a) {
    if constexpr (has_member_co_await<A>) {
        return static_cast<A&&>(a).operator co_await();
    } else if constexpr (has_free_co_await<A>) {
        return operator co_await(static_cast<A&&>(a));
    } else {
        return static_cast<A&&>(a);
    }
}

// A value, or a reference to what lives elsewhere.
template <class A>
using awaiter_result = decltype(awaiter_of(std::declval<A>()));

// Operators are for these only.
template <class T>
inline constexpr bool may_have_operators = std::is_class_v<T> || std::is_union_v<T> || std::is_enum_v<T>;

template <class A>
concept has_foreign_awaiter = may_have_operators<std::remove_cvref_t<A>> && requires { typename awaiter_result<A>; } &&
                              foreign_awaiter<std::remove_reference_t<awaiter_result<A>>>;

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// `co_await moved(x)` is `co_await std::move(x)`, in the form for compilers that get that wrong.
template <class F>
    requires detail::has_foreign_awaiter<F>
decltype(auto) operator co_await(moved_callable<F> const& named) {
    return detail::awaiter_of(named.unwrap());
}

} // namespace coir::inline v0
