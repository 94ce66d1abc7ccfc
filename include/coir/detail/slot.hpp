// A slot is how an outcome or result holds its value: void takes no value, a reference is
// kept as a pointer, anything else is kept as it is. All three are read through get().
//
//     slot<int>    a(std::in_place, 7);     a.get() += 1;
//     slot<int&>   b(std::in_place, n);     b.get() = 7;          // writes n
//     slot<void>   c(std::in_place);        c.get();              // void
#pragma once

#include <coir/detail/std/functional.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

// A reference is only ever bound to an object that outlives the call: never to a temporary,
// not even to one that a conversion would make.
template <class Arg, class U>
concept binds_to = std::is_lvalue_reference_v<Arg> && std::is_convertible_v<std::remove_reference_t<Arg>*, U*>;

template <class T>
struct slot {
    static_assert(std::is_object_v<T> && !std::is_array_v<T>,
                  "coir: a value is void, an lvalue reference or an object type other than an array");

    T value;

    template <class... Args>
        requires std::constructible_from<T, Args...>
    constexpr explicit slot(std::in_place_t, Args&&... args) noexcept(std::is_nothrow_constructible_v<T, Args...>)
        : value(std::forward<Args>(args)...) {}

    constexpr T& get() & noexcept { return value; }
    constexpr T const& get() const& noexcept { return value; }
    constexpr T&& get() && noexcept { return static_cast<T&&>(value); }

    friend constexpr bool operator==(slot const& a, slot const& b) noexcept(noexcept(bool(a.value == b.value)))
        requires requires {
            { a.value == b.value } -> std::convertible_to<bool>;
        }
    {
        return a.value == b.value;
    }
};

template <class U>
struct slot<U&> {
    U* value;

    template <class Arg>
        requires binds_to<Arg&&, U>
    constexpr explicit slot(std::in_place_t, Arg&& referred) noexcept : value(std::addressof(referred)) {}

    template <class V>
        requires std::convertible_to<V*, U*>
    constexpr explicit slot(std::in_place_t, std::reference_wrapper<V> referred) noexcept
        : value(std::addressof(referred.get())) {}

    constexpr U& get() const noexcept { return *value; }

    friend constexpr bool operator==(slot const& a, slot const& b) noexcept(noexcept(bool(*a.value == *b.value)))
        requires requires {
            { *a.value == *b.value } -> std::convertible_to<bool>;
        }
    {
        return *a.value == *b.value;
    }
};

template <>
struct slot<void> {
    constexpr explicit slot(std::in_place_t) noexcept {}
    constexpr void get() const noexcept {}
    friend constexpr bool operator==(slot const&, slot const&) noexcept = default;
};

template <class T, class... Args>
concept storable = std::constructible_from<slot<T>, std::in_place_t, Args...>;

template <class T, class... Args>
inline constexpr bool nothrow_storable = std::is_nothrow_constructible_v<slot<T>, std::in_place_t, Args...>;

// A value read as Access can become a T: void only from void.
template <class T, class Access>
concept widens_to = (std::is_void_v<T> && std::is_void_v<Access>) || storable<T, Access>;

// What value() const& returns: `void const` would be one qualifier too many.
template <class T>
struct const_access {
    using type = std::add_lvalue_reference_t<T const>;
};
template <>
struct const_access<void> {
    using type = void;
};
template <class T>
using const_access_t = typename const_access<T>::type;

} // namespace coir::inline v0::detail
