// How many, as users write it: any integer, which must not be negative.
//
//     inline auto take(detail::count_argument n);       // take(3), take(v.size()); take(-1) throws
#pragma once

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

// What +n is: also of an enumerator, or of a constant that is a type.
template <class N>
concept counting_type = std::is_arithmetic_v<N> || requires(N const& n) {
    { +n } -> std::integral;
};

class count_argument {
public:
    template <counting_type N>
    constexpr count_argument(N const& n) : n_{checked(+n)} {}

    template <class N>
        requires(!counting_type<N>)
    constexpr count_argument(N const&) : n_{0} {
        static_assert(counting_type<N>, "coir: how many is said with an integer");
    }

    constexpr std::size_t value() const noexcept { return n_; }

private:
    template <class N>
    static constexpr std::size_t checked(N n) {
        static_assert(std::integral<N>, "coir: how many is said with an integer");
        if constexpr (std::integral<N>) {
            if (std::cmp_less(n, 0)) {
                throw std::invalid_argument{"coir: a number of things cannot be negative"};
            }
            return static_cast<std::size_t>(n);
        } else {
            return 0;
        }
    }

    std::size_t n_;
};

} // namespace coir::inline v0::detail
