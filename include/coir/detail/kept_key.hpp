// What is kept of a key that was taken from an element: nothing that refers into the element, which
// is gone when the next one is compared with it.
//
//     [](record const& r) -> std::string_view { return r.name; }        // std::string
//     [](record const& r) { return std::tie(r.name, r.id); }            // std::tuple<std::string, int>
#pragma once

#include <coir/detail/std/functional.hpp>

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

template <class Key>
struct kept_part {
    using type = Key;
};
template <class Key>
using kept_part_t = typename kept_part<std::remove_cvref_t<Key>>::type;

template <class Char, class Traits>
struct kept_part<std::basic_string_view<Char, Traits>> {
    using type = std::basic_string<Char, Traits>;
};
template <class T>
struct kept_part<std::reference_wrapper<T>> {
    using type = kept_part_t<T>;
};
template <class... Ts>
struct kept_part<std::tuple<Ts...>> {
    using type = std::tuple<kept_part_t<Ts>...>;
};
template <class A, class B>
struct kept_part<std::pair<A, B>> {
    using type = std::pair<kept_part_t<A>, kept_part_t<B>>;
};

// Of an element T. One that is a view, or that is its own key, refers to what outlives it.
template <class T, class Key>
using kept_key = std::conditional_t<std::is_same_v<T, Key>, Key, kept_part_t<Key>>;

template <class Kept, class Key>
bool is_key(Kept const& kept, Key const& now) {
    return kept == now;
}
template <class A, class B, class C, class D>
bool is_key(std::pair<A, B> const& kept, std::pair<C, D> const& now) {
    return detail::is_key(kept.first, now.first) && detail::is_key(kept.second, now.second);
}

} // namespace coir::inline v0::detail
