// The guard against GCC 12.1 and 12.2, which destroy twice a closure or an aggregate that is
// created inside a co_await expression.
//
//     auto f = [p = std::move(ptr)]() -> coir::task<> { ... };     // name it,
//     co_await coir::ensuring(work(), coir::moved(f));             // and pass it on
#pragma once

#include <coir/detail/config.hpp>

#include <type_traits>
#include <utility>

namespace coir::inline v0 {

template <class F>
class moved_callable {
public:
    explicit moved_callable(F& f) noexcept : f_{&f} {}
    operator F&&() const noexcept { return std::move(*f_); }
    F&& unwrap() const noexcept { return std::move(*f_); }

private:
    F* f_;
};

// Passes a named callable or value on by move, in a form that every compiler gets right.
template <class F>
moved_callable<F> moved(F& f) noexcept {
    return moved_callable<F>{f};
}

} // namespace coir::inline v0

namespace coir::inline v0::detail {

template <class F>
inline constexpr bool is_moved = false;
template <class F>
inline constexpr bool is_moved<moved_callable<F>> = true;

template <class F>
concept coroutine_type = requires { typename std::remove_cvref_t<F>::promise_type; };

// Closures with captures are neither aggregates nor default-constructible; classes with a
// constructor, which the compiler gets right, mostly are the latter, or are tasks.
template <class F>
inline constexpr bool is_risky_temporary =
    !coroutine_type<F> && !std::is_lvalue_reference_v<F> && std::is_class_v<std::remove_cvref_t<F>> &&
    !std::is_trivially_destructible_v<std::remove_cvref_t<F>> && !is_moved<std::remove_cvref_t<F>> &&
    (std::is_aggregate_v<std::remove_cvref_t<F>> || !std::is_default_constructible_v<std::remove_cvref_t<F>>);

template <class F>
inline constexpr bool is_risky_value =
    !std::is_lvalue_reference_v<F> && !std::is_trivially_destructible_v<std::remove_cvref_t<F>> &&
    std::is_aggregate_v<std::remove_cvref_t<F>>;

template <class F>
struct unmoved {
    using type = std::decay_t<F>;
};
template <class F>
struct unmoved<moved_callable<F>> {
    using type = F;
};

// The type to store for an argument F&&.
template <class F>
using stored = typename unmoved<std::decay_t<F>>::type;

// What an argument F&& stands for: itself, or what moved() passes on.
template <class F>
using passed = std::conditional_t<is_moved<std::remove_cvref_t<F>>, typename unmoved<std::remove_cvref_t<F>>::type, F>;

template <class F>
decltype(auto) unwrap(F&& f) noexcept {
    if constexpr (is_moved<std::remove_cvref_t<F>>) {
        return f.unwrap();
    } else {
        return std::forward<F>(f);
    }
}

} // namespace coir::inline v0::detail

#if COIR_REJECT_INLINE_CLOSURES
#define COIR_CHECK_CLOSURE(F)                                                                                          \
    static_assert(!::coir::detail::is_risky_temporary<F>,                                                              \
                  "coir: GCC 12.2 destroys this closure twice; write `auto f = <closure>;` and pass coir::moved(f)")
#define COIR_CHECK_VALUE(V)                                                                                            \
    static_assert(!::coir::detail::is_risky_value<V>,                                                                  \
                  "coir: GCC 12.2 destroys this aggregate twice; write `auto v = <value>;` and pass coir::moved(v)")
#define COIR_CHECK_VALUES(Vs)                                                                                          \
    static_assert(!(::coir::detail::is_risky_value<Vs> || ...),                                                        \
                  "coir: GCC 12.2 destroys this aggregate twice; write `auto v = <value>;` and pass coir::moved(v)")
#else
#define COIR_CHECK_VALUES(Vs) static_assert(true)
#define COIR_CHECK_CLOSURE(F) static_assert(true)
#define COIR_CHECK_VALUE(V) static_assert(true)
#endif
