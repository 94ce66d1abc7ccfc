// Several awaitables at once.
//
//     auto [user, orders] = co_await coir::when_all(load_user(id), load_orders(id));
//     auto const page = co_await coir::race(mirror_a(url), mirror_b(url));
//
// All that were started have ended, finalizers included, before the result is seen.
#pragma once

#include <coir/detail/count_argument.hpp>
#include <coir/detail/for_each.hpp>
#include <coir/detail/kept_range.hpp>
#include <coir/detail/std/ranges.hpp>
#include <coir/detail/when_all.hpp>
#include <coir/detail/when_any.hpp>
#include <coir/detail/when_range.hpp>

namespace coir::inline v0::detail {

// How an element of a range R&& is awaited: where it is, if it can be and the range is named or a
// view; else it is moved out.
template <class R>
inline constexpr bool stays_in_range =
    (std::is_lvalue_reference_v<R> || std::ranges::view<R>) && awaitable<std::ranges::range_reference_t<R>>;
template <class R>
using awaited_element = std::conditional_t<stays_in_range<R>, std::ranges::range_reference_t<R>,
                                           std::remove_reference_t<std::ranges::range_reference_t<R>>>;

template <class R>
concept awaited_range = std::ranges::input_range<passed<R>> && awaitable<std::ranges::range_value_t<passed<R>>>;

template <class R>
struct range_operation_of {
    static_assert(awaitable<awaited_element<R>>, "coir: tasks are moved out of their range, which must not be const");
    using type = operation_of<awaited_element<R>>;
};
template <awaited_range R>
using element_operation = typename range_operation_of<passed<R>>::type;

// Op: what is made of the operation of awaiting an element.
template <class Op, class R>
std::vector<Op> operations_of(R&& aws) {
    COIR_CHECK_VALUE(R);
    using element = awaited_element<passed<R>>;
    std::vector<Op> ops;
    for (auto&& aw : unwrap(aws)) {
        ops.push_back(Op{operation_from(static_cast<element&&>(aw))});
    }
    return ops;
}

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// All of them: a tuple of the values in order, void as unit. The first that ends with anything
// but success interrupts the others and is the result; those that fail or die after it are in the
// outcome's suppressed(). All but the last are queued, the last runs here; leaf waits (a deferred,
// a sleep, a pop) are not forked, they begin here in order.
template <detail::awaited... As>
auto when_all(As&&... aws) {
    static_assert(sizeof...(As) > 0, "coir: when_all takes at least one awaitable, or a range of them");
    return detail::when_all_operation<detail::operation_of<As>...>{detail::to_operation(std::forward<As>(aws))...};
}

// A range of awaitables of one type: a vector of the values in order. Of a range that has a name,
// or a view, what can be awaited as an lvalue is, so that handles stay; tasks are moved out of it.
template <detail::awaited_range R>
auto when_all(R&& aws) {
    using op = detail::element_operation<R>;
    return detail::when_all_range_operation<op>{detail::operations_of<op>(std::forward<R>(aws))};
}

// Every outcome, in order: a tuple, or a vector. Nobody is interrupted on account of another.
template <detail::awaited... As>
auto all_settled(As&&... aws) {
    static_assert(sizeof...(As) > 0, "coir: all_settled takes at least one awaitable, or a range of them");
    return coir::when_all(
        detail::as_outcome_operation<detail::operation_of<As>>{detail::to_operation(std::forward<As>(aws))}...);
}
template <detail::awaited_range R>
auto all_settled(R&& aws) {
    using op = detail::as_outcome_operation<detail::element_operation<R>>;
    return detail::when_all_range_operation<op>{detail::operations_of<op>(std::forward<R>(aws))};
}

// The first to end, with its outcome; the others are interrupted. T if all agree, else a
// std::variant with one alternative per argument. They are started here, in order, and none is
// started any more once it is decided.
template <detail::awaited... As>
auto when_any(As&&... aws) {
    static_assert(sizeof...(As) > 0, "coir: when_any takes at least one awaitable, or a range of them");
    return detail::when_any_operation<false, detail::operation_of<As>...>{
        detail::to_operation(std::forward<As>(aws))...};
}

// A range of awaitables of one type. Throws std::invalid_argument if it is empty.
template <detail::awaited_range R>
auto when_any(R&& aws) {
    using op = detail::element_operation<R>;
    return detail::when_any_range_operation<false, op>{detail::operations_of<op>(std::forward<R>(aws))};
}

// The first to succeed; if none does, the outcome of the last to end. Of race and when_any alike:
// a loser that waits for a queue, a pubsub or a take() itself gets nothing that would be dropped; the
// element stays where it is. A task that has popped one and then loses drops what it popped.
template <detail::awaited... As>
auto race(As&&... aws) {
    static_assert(sizeof...(As) > 0, "coir: race takes at least one awaitable, or a range of them");
    return detail::when_any_operation<true, detail::operation_of<As>...>{
        detail::to_operation(std::forward<As>(aws))...};
}

template <detail::awaited_range R>
auto race(R&& aws) {
    using op = detail::element_operation<R>;
    return detail::when_any_range_operation<true, op>{detail::operations_of<op>(std::forward<R>(aws))};
}

// How many may run at once. Negative: std::invalid_argument.
struct max_concurrency {
    std::size_t limit;
    constexpr explicit max_concurrency(detail::count_argument n) : limit{n.value()} {}
};

// Awaits `f(element)` for each element, at most so many at a time: the values in order, void as
// unit. A next one starts as soon as one has ended. The first that ends with anything but success
// interrupts those that run and is the result; no other is started. A range that is passed as an
// lvalue outlives the await, and `f` gets references into it; any other is kept. `f` is called
// from several fibers, on several threads if the scheduler has them. Throws std::invalid_argument
// for a limit of 0. Starts when awaited; min(limit, elements) fibers, O(elements) memory.
template <class R, class F>
    requires std::ranges::input_range<detail::passed<R>> &&
             std::invocable<detail::stored<F>&, std::ranges::range_reference_t<detail::passed<R>>>
auto for_each(R&& range, F&& f, max_concurrency at_once) {
    COIR_CHECK_VALUE(R);
    COIR_CHECK_CLOSURE(F);
    using kept = detail::kept_range<detail::passed<R>>;
    static_assert(
        awaitable<std::invoke_result_t<detail::stored<F>&, std::ranges::range_reference_t<detail::passed<R>>>>,
        "coir: for_each takes a function that returns an awaitable");
    if (at_once.limit == 0) {
        throw std::invalid_argument{"coir: for_each cannot run with a limit of 0"};
    }
    return detail::run_for_each<kept, detail::stored<F>>(detail::keep_range(detail::unwrap(std::forward<R>(range))),
                                                         detail::unwrap(std::forward<F>(f)), at_once.limit);
}

} // namespace coir::inline v0
