// How elements and errors are written in lines of marbles.
//
//     enum class key { up, down };
//     std::string marble_name(key k) { return k == key::up ? "u" : "d"; }      // next to the type
//
// Characters, strings, numbers, pairs, tuples, variants, optionals and ranges of such, and what
// has an operator<<, are written without that.
#pragma once

#include <coir/detail/std/ranges.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace coir::inline v0::detail {

template <class T>
concept marble_named = requires(T const& x) {
    { marble_name(x) } -> std::convertible_to<std::string>;
};

template <class T>
inline constexpr bool is_marble_tuple = false;
template <class... Ts>
inline constexpr bool is_marble_tuple<std::tuple<Ts...>> = true;
template <class A, class B>
inline constexpr bool is_marble_tuple<std::pair<A, B>> = true;

template <class T>
inline constexpr bool is_marble_variant = false;
template <class... Ts>
inline constexpr bool is_marble_variant<std::variant<Ts...>> = true;

template <class T>
inline constexpr bool is_marble_optional = false;
template <class T>
inline constexpr bool is_marble_optional<std::optional<T>> = true;

template <class T>
concept printable_marble = requires(std::ostream& out, T const& x) { out << x; };

// Names side by side: "ab" if each is one character, else "a,42".
class joined_names {
public:
    void add(std::string name) {
        packed_ = packed_ && name.size() == 1;
        with_commas_.append(all_.empty() ? "" : ",").append(name);
        all_.append(name);
    }
    std::string text() && { return std::move(packed_ ? all_ : with_commas_); }

private:
    std::string all_, with_commas_;
    bool packed_ = true;
};

template <class T>
std::string name_of_marble(T const& x) {
    if constexpr (marble_named<T>) {
        return marble_name(x);
    } else if constexpr (std::same_as<T, char>) {
        return std::string(1, x);
    } else if constexpr (std::same_as<T, bool>) {
        return x ? "true" : "false";
    } else if constexpr (std::convertible_to<T const&, std::string_view>) {
        return std::string{std::string_view{x}};
    } else if constexpr (std::integral<T>) {
        return std::to_string(x);
    } else if constexpr (std::is_enum_v<T>) {
        return std::to_string(static_cast<std::underlying_type_t<T>>(x));
    } else if constexpr (is_marble_optional<T>) {
        return x ? detail::name_of_marble(*x) : std::string{"nothing"};
    } else if constexpr (is_marble_variant<T>) {
        return std::visit([](auto const& one) { return detail::name_of_marble(one); }, x);
    } else if constexpr (is_marble_tuple<T>) {
        joined_names names;
        std::apply([&](auto const&... part) { (names.add(detail::name_of_marble(part)), ...); }, x);
        return std::move(names).text();
    } else if constexpr (std::ranges::input_range<T const&>) {
        joined_names names;
        for (auto const& part : x) {
            names.add(detail::name_of_marble(part));
        }
        return std::move(names).text();
    } else {
        static_assert(printable_marble<T>, "coir: how is this element written? Give a function std::string "
                                           "marble_name(T const&) in the namespace of T");
        std::ostringstream out;
        out << x;
        return std::move(out).str();
    }
}

} // namespace coir::inline v0::detail
