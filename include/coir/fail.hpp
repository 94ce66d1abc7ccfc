// Ends the current task with a typed failure: nothing is thrown, destructors run.
//
//     coir::task<int, parse_error> parse(std::string_view text) {
//         if (text.empty()) co_await coir::fail(parse_error::empty);
//         co_return 42;
//     }
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/inline_closure.hpp>

namespace coir::inline v0::detail {

// The operation that fails with an E. `co_return fail(e)` takes it too.
template <class E>
class [[nodiscard]] failing {
public:
    using value_type = void;
    using error_type = E;

    template <class... Args>
    explicit failing(std::in_place_t, Args&&... args) : error_(std::forward<Args>(args)...) {}

    status poll(fiber_base&) noexcept { return status::failure; }
    void get() const noexcept {}
    E&& error() noexcept { return std::move(error_); }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    E error_;
};

template <class A>
inline constexpr bool is_failing = false;
template <class E>
inline constexpr bool is_failing<failing<E>> = true;

template <class E, class... Args>
struct failing_type {
    using type = failing<E>;
};
template <class Only>
struct failing_type<void, Only> {
    using type = failing<stored<Only>>;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// Awaited in a task whose error type accepts it, ends the task with that failure: `fail(e)`, or
// `fail<E>(args...)`, which makes the error in place.
template <class E = void, class... Args>
auto fail(Args&&... args) {
    static_assert(!std::is_void_v<E> || sizeof...(Args) == 1, "coir: fail takes one error, or fail<E> its arguments");
    COIR_CHECK_VALUES(Args);
    return typename detail::failing_type<E, Args...>::type{std::in_place, detail::unwrap(std::forward<Args>(args))...};
}

} // namespace coir::inline v0
