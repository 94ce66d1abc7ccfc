// What a fiber can wait for: an operation, polled by the fiber that runs it.
//
// poll() begins the operation or goes on with it, and says where it stands. It is polled again
// after a wake, or when the frame it called has ended. Operations nest by value - a timeout
// holds what it limits - and are movable until first polled.
#pragma once

#include <coir/detail/foreign.hpp>
#include <coir/detail/inline_closure.hpp>
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

// The error of what has failed, as an F. What cannot fail has not.
template <class F, class Failed>
F error_as(Failed& failed) {
    if constexpr (std::same_as<typename Failed::error_type, never>) {
        std::terminate();
    } else {
        return convert_error<F>(failed.error());
    }
}

// It waits in one leaf and runs nothing: it never calls a frame, nor moves the fiber in its queue.
template <class Op>
concept leaf_operation = requires { requires Op::is_leaf; };

template <class A>
concept has_operation_member = requires(A&& a) {
    { std::forward<A>(a).coir_operation() } -> operation;
};

template <class A>
concept movable_operation = operation<std::remove_cvref_t<A>> && !std::is_lvalue_reference_v<A>;

template <class A>
concept native_awaitable = has_operation_member<A> || movable_operation<A>;

// A type of the library, also where this value category of it cannot be awaited.
template <class A>
concept native_type = native_awaitable<std::remove_cvref_t<A>> || native_awaitable<A>;

// An awaitable of another library. An lvalue is referred to and outlives the await.
template <class A>
concept foreign_awaitable = !native_type<A> && has_foreign_awaiter<A>;

// One that can be kept until it is awaited.
template <class A>
concept kept_foreign_awaitable =
    foreign_awaitable<A> && (std::is_lvalue_reference_v<A> || std::constructible_from<std::remove_cvref_t<A>, A>);

template <class A>
class foreign_operation;

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// What can be awaited in a task, and what every adaptor and combinator takes: an awaitable of this
// library or of another. In a task also foreign ones that cannot be moved are awaited.
template <class A>
concept awaitable = detail::native_awaitable<A> || detail::kept_foreign_awaitable<A>;

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// An lvalue of what is awaited once, as an rvalue. Functions take it and then refuse it with one
// line, which says more than that no overload fits.
template <class A>
concept named_awaitable = std::is_lvalue_reference_v<A> && !awaitable<A> && awaitable<std::remove_reference_t<A>>;

// The same of a function that makes what is awaited, and was not called.
template <class A>
concept uncalled_awaitable = !awaitable<A> && !named_awaitable<A> && requires(A&& make) {
    { std::forward<A>(make)() } -> awaitable;
};

template <class A>
concept awaited = awaitable<A> || named_awaitable<A> || uncalled_awaitable<A>;

// For the static_assert of an overload that only explains why it is wrong to come here.
template <class...>
inline constexpr bool fits = false;

// The operation that awaiting `a` performs.
template <awaited A>
auto operation_from(A&& a) {
    if constexpr (named_awaitable<A>) {
        return detail::operation_from(std::move(a)); // operation_for says what is wrong
    } else if constexpr (uncalled_awaitable<A>) {
        return detail::operation_from(std::forward<A>(a)());
    } else if constexpr (has_operation_member<A>) {
        return std::forward<A>(a).coir_operation();
    } else if constexpr (movable_operation<A>) {
        return std::remove_cvref_t<A>(std::forward<A>(a));
    } else {
        using operand = std::remove_cv_t<A>;
        return foreign_operation<operand>{static_cast<operand&&>(std::forward<A>(a))};
    }
}

// The same for a builder, whose argument may be a temporary in a co_await expression.
template <awaited A>
auto to_operation(A&& a) {
    if constexpr (kept_foreign_awaitable<A>) {
        COIR_CHECK_VALUE(A);
    }
    return operation_from(std::forward<A>(a));
}

template <awaited A>
struct operation_for {
    static_assert(!named_awaitable<A>, "coir: what is awaited once is passed on as an rvalue: std::move(t)");
    static_assert(!uncalled_awaitable<A>, "coir: a task is passed on, and not the function that makes it: f()");
    using type = decltype(detail::operation_from(std::declval<A>()));
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

// What a coroutine of another library gets when it awaits something of ours. A concept that asks
// whether that can be awaited is told yes; whoever then does it reads why not.
template <class A>
struct refused_awaiter {
    bool await_ready() const {
        static_assert(!native_type<A>, "coir: only a coir::task awaits this; the bridges for coroutines of other "
                                       "libraries are in <coir/interop/...>");
        return true;
    }
    void await_suspend(std::coroutine_handle<>) const {}
    await_value_t<std::remove_cvref_t<A>> await_resume() const { std::terminate(); }
};

template <class A>
    requires native_type<A>
refused_awaiter<A> operator co_await(A&&) {
    return {};
}

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

using detail::operator co_await;

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
