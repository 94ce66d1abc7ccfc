// What to store for a range that was passed as an argument: a view as it is, a reference to an
// lvalue, an rvalue itself.
//
//     kept_range<R> range = keep_range(std::forward<R>(given));
#pragma once

#include <coir/detail/std/ranges.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

template <class R>
class range_ref {
public:
    explicit range_ref(R& range) noexcept : range_{std::addressof(range)} {}

    auto begin() const { return std::ranges::begin(*range_); }
    auto end() const { return std::ranges::end(*range_); }

private:
    R* range_;
};

template <class R>
auto keep_range(R&& range) {
    if constexpr (std::ranges::view<std::remove_cvref_t<R>> || !std::is_lvalue_reference_v<R>) {
        return std::remove_cvref_t<R>(std::forward<R>(range));
    } else {
        return range_ref<std::remove_reference_t<R>>{range};
    }
}

template <class R>
using kept_range = decltype(keep_range(std::declval<R>()));

} // namespace coir::inline v0::detail
