// What the elements of several streams become where they make one stream: concat, merge.
#pragma once

#include <coir/detail/operation.hpp>

#include <type_traits>

namespace coir::inline v0::detail {

template <class... Ts>
struct common_element {
    static_assert(
        fits<Ts...>,
        "coir: streams whose elements become one stream have elements of one type, or types with a common one");
};
template <class... Ts>
    requires requires { typename std::common_type_t<Ts...>; }
struct common_element<Ts...> {
    using type = std::common_type_t<Ts...>;
};
template <class T>
struct common_element<T, T> {
    using type = T;
};

} // namespace coir::inline v0::detail
