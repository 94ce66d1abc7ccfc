// Several awaitables at once.
//
//     auto [user, orders] = co_await coir::when_all(load_user(id), load_orders(id));
//     auto const page = co_await coir::race(mirror_a(url), mirror_b(url));
//
// All that were started have ended, finalizers included, before the result is seen.
#pragma once

#include <coir/detail/when_all.hpp>
#include <coir/detail/when_any.hpp>

#include <ranges>

namespace coir::inline v0 {

// All of them: a tuple of the values in order, void as unit. The first that ends with anything
// but success interrupts the others and is the result. All but the last are queued, the last
// runs here.
template <awaitable... As>
    requires(sizeof...(As) > 0)
auto when_all(As&&... aws) {
    return detail::when_all_operation<detail::operation_of<As>...>{detail::to_operation(std::forward<As>(aws))...};
}

// A range of awaitables of one type: a vector of the values in order.
template <std::ranges::input_range R>
    requires awaitable<std::ranges::range_value_t<R>>
auto when_all(R&& aws) {
    using op = detail::operation_of<std::ranges::range_value_t<R>>;
    std::vector<op> ops;
    for (auto&& aw : aws) {
        ops.push_back(detail::to_operation(std::move(aw)));
    }
    return detail::when_all_range_operation<op>{std::move(ops)};
}

// Every outcome, in order: a tuple, or a vector. Nobody is interrupted on account of another.
template <awaitable... As>
    requires(sizeof...(As) > 0)
auto all_settled(As&&... aws) {
    return coir::when_all(
        detail::as_outcome_operation<detail::operation_of<As>>{detail::to_operation(std::forward<As>(aws))}...);
}
template <std::ranges::input_range R>
    requires awaitable<std::ranges::range_value_t<R>>
auto all_settled(R&& aws) {
    using op = detail::as_outcome_operation<detail::operation_of<std::ranges::range_value_t<R>>>;
    std::vector<op> ops;
    for (auto&& aw : aws) {
        ops.push_back(op{detail::to_operation(std::move(aw))});
    }
    return detail::when_all_range_operation<op>{std::move(ops)};
}

// The first to end, with its outcome; the others are interrupted. T if all agree, else a
// std::variant with one alternative per argument. They are started here, in order, and none is
// started any more once it is decided.
template <awaitable... As>
    requires(sizeof...(As) > 0)
auto when_any(As&&... aws) {
    return detail::when_any_operation<false, detail::operation_of<As>...>{
        detail::to_operation(std::forward<As>(aws))...};
}

// The first to succeed; if none does, the outcome of the last to end.
template <awaitable... As>
    requires(sizeof...(As) > 0)
auto race(As&&... aws) {
    return detail::when_any_operation<true, detail::operation_of<As>...>{
        detail::to_operation(std::forward<As>(aws))...};
}

} // namespace coir::inline v0
