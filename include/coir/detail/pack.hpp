// Values that are kept to be passed on once: a std::tuple that is cheap to compile, since it is
// made by one constructor and neither compared, assigned nor looked into.
//
//     pack<int, std::string> kept{std::in_place, 1, "one"};
//     kept.apply([](int& n, std::string& s) { use(n, s); });
#pragma once

#include <coir/detail/config.hpp>

#include <cstddef>
#include <utility>

namespace coir::inline v0::detail {

template <std::size_t I, class T>
struct packed {
    template <class U>
    explicit constexpr packed(std::in_place_t, U&& x) : value(std::forward<U>(x)) {}

    COIR_NO_UNIQUE_ADDRESS T value;
};

template <class Is, class... Ts>
class pack_of;

template <std::size_t... Is, class... Ts>
class pack_of<std::index_sequence<Is...>, Ts...> : packed<Is, Ts>... {
public:
    template <class... Us>
    explicit constexpr pack_of(std::in_place_t, Us&&... xs) : packed<Is, Ts>(std::in_place, std::forward<Us>(xs))... {}

    template <class F>
    constexpr decltype(auto) apply(F&& f) {
        return std::forward<F>(f)(static_cast<packed<Is, Ts>&>(*this).value...);
    }
};

template <class... Ts>
using pack = pack_of<std::index_sequence_for<Ts...>, Ts...>;

} // namespace coir::inline v0::detail
