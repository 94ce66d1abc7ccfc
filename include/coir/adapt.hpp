// Looking at an end as a value, and changing it.
//
//     auto const r = co_await coir::as_result(parse(text));              // result<T, E>
//     auto const o = co_await (download(url) | coir::as_outcome());      // outcome<T, E>
#pragma once

#include <coir/detail/pipe.hpp>
#include <coir/detail/show_operation.hpp>

namespace coir::inline v0 {

// A failure becomes a value: -> result<T, E>. Defects and interruption pass through.
template <awaitable A>
auto as_result(A&& aw) {
    using op = detail::operation_of<A>;
    return detail::as_result_operation<op>{detail::to_operation(std::forward<A>(aw))};
}

// Every end of what is awaited becomes a value: -> outcome<T, E>. The interruption of the fiber
// that runs it passes through, unless a mask hides it from here.
template <awaitable A>
auto as_outcome(A&& aw) {
    using op = detail::operation_of<A>;
    return detail::as_outcome_operation<op>{detail::to_operation(std::forward<A>(aw))};
}

inline auto as_result() {
    return detail::make_piped([](auto&& aw) { return coir::as_result(std::forward<decltype(aw)>(aw)); });
}
inline auto as_outcome() {
    return detail::make_piped([](auto&& aw) { return coir::as_outcome(std::forward<decltype(aw)>(aw)); });
}

} // namespace coir::inline v0
