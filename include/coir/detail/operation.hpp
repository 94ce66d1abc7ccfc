// What a fiber can wait for: an operation, polled by the fiber that runs it.
//
// poll() begins the operation or goes on with it, and says where it stands. It is polled again
// after a wake, or when the frame it called has ended. Operations nest by value - a timeout
// holds what it limits - and are movable until first polled.
#pragma once

#include <coir/outcome.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

class fiber_base;

enum class status : unsigned char {
    pending,     // handed to one leaf, which will wake the fiber
    unwind,      // pushed a coroutine frame, which is destroyed first
    call,        // pushed a coroutine frame, which runs first
    value,       // ended: get()
    failure,     // ended: error()
    defect,      // ended: defect()
    interrupted, // ended: what was awaited was interrupted, by interrupted_by()
    cancelled,   // a region of this fiber is being left
    end,         // of a stream: there is no further element
};

constexpr bool has_ended(status s) noexcept { return s > status::call; }

// The frame that awaits it does not go on by itself.
constexpr bool unwinds(status s) noexcept { return s == status::unwind || (s > status::value && s != status::defect); }

// value_type may be void or a reference. error() exists unless error_type is never.
template <class Op>
concept operation = std::move_constructible<Op> && requires(Op& op, fiber_base& f) {
    typename Op::value_type;
    typename Op::error_type;
    { op.poll(f) } -> std::same_as<status>;
    { op.get() } -> std::same_as<typename Op::value_type>;
    { op.defect() } -> std::convertible_to<std::exception_ptr>;
    { op.interrupted_by() } -> std::same_as<fiber_id>;
};

// It waits in one leaf and runs nothing: it never calls a frame, nor moves the fiber in its queue.
template <class Op>
concept leaf_operation = requires { requires Op::is_leaf; };

template <class A>
concept has_operation_member = requires(A&& a) {
    { std::forward<A>(a).coir_operation() } -> operation;
};

template <class A>
concept movable_operation = operation<std::remove_cvref_t<A>> && !std::is_lvalue_reference_v<A>;

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// What `co_await` takes in a task: an awaitable of the library.
template <class A>
concept awaitable = detail::has_operation_member<A> || detail::movable_operation<A>;

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// An lvalue of what is awaited once, as an rvalue. Functions take it and then refuse it with one
// line, which says more than that no overload fits.
template <class A>
concept named_awaitable = std::is_lvalue_reference_v<A> && !awaitable<A> && awaitable<std::remove_reference_t<A>>;

template <class A>
concept awaited = awaitable<A> || named_awaitable<A>;

// For the static_assert of an overload that only explains why it is wrong to come here.
template <class...>
inline constexpr bool fits = false;

// The operation that awaiting `a` performs.
template <awaited A>
auto to_operation(A&& a) {
    if constexpr (named_awaitable<A>) {
        return detail::to_operation(std::move(a)); // operation_for says what is wrong
    } else if constexpr (has_operation_member<A>) {
        return std::forward<A>(a).coir_operation();
    } else {
        return std::remove_cvref_t<A>(std::forward<A>(a));
    }
}

template <awaited A>
struct operation_for {
    static_assert(awaitable<A>, "coir: what is awaited once is passed on as an rvalue: std::move(t)");
    using type = decltype(detail::to_operation(std::declval<A>()));
};
template <class A>
using operation_of = typename operation_for<A>::type;

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

template <awaitable A>
using await_value_t = typename detail::operation_of<A>::value_type;

template <awaitable A>
using await_error_t = typename detail::operation_of<A>::error_type;

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// Base of an operation that wraps another and ends as it does.
template <operation Inner>
class adaptor {
public:
    using value_type = typename Inner::value_type;
    using error_type = typename Inner::error_type;

    explicit adaptor(Inner&& inner) : inner_{std::move(inner)} {}

    value_type get() { return inner_.get(); }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return inner_.error();
    }
    std::exception_ptr defect() { return inner_.defect(); }
    fiber_id interrupted_by() { return inner_.interrupted_by(); }

protected:
    Inner inner_;
};

} // namespace coir::inline v0::detail
