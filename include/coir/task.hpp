// A lazy coroutine that ends with a T, a typed failure E, a defect, or interrupted.
//
//     coir::task<int, not_found> price(std::string item) {
//         row r = co_await lookup(item);        // a failure of lookup ends price() too
//         co_return r.price;
//     }
//
// Nothing runs until it is awaited; awaiting it is an ordinary call, without a lock or a hop
// through a queue. It is awaited once, as an rvalue: `co_await std::move(t)`.
#pragma once

#include <coir/detail/awaiter.hpp>
#include <coir/detail/call.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/fail.hpp>

#include <coroutine>
#include <type_traits>
#include <utility>

namespace coir::inline v0 {

template <class T, class E>
class task;

namespace detail {

template <class A>
inline constexpr bool is_task = false;
template <class T, class E>
inline constexpr bool is_task<task<T, E>> = true;

template <class A>
inline constexpr bool is_task_lvalue = std::is_lvalue_reference_v<A> && is_task<std::remove_cvref_t<A>>;

// What a promise of ours does with `co_await`.
template <class Promise, class E>
class awaits {
public:
    template <class A>
    auto await_transform(A&& a, await_site at = await_site::current()) {
        static_cast<Promise&>(*this).site = at;
        static_assert(!is_task_lvalue<A>, "coir: a task is awaited once, as an rvalue: co_await std::move(t)");
        static_assert(awaitable<A> || foreign_awaitable<A>,
                      "coir: this cannot be awaited in a task; an operation is awaited as an rvalue");
        if constexpr (foreign_awaitable<A>) {
            COIR_CHECK_VALUE(A);
            // The operand lives as long as the co_await expression, so it is not moved.
            using op = foreign_operation<A&&>;
            return awaiter<op, Promise>{op{std::forward<A>(a)}, static_cast<Promise&>(*this)};
        } else if constexpr (awaitable<A>) {
            using op = operation_of<A>;
            static_assert(error_for<E, typename op::error_type>,
                          "coir: the task's error type lacks an error of what is awaited; add it, or use as_result");
            if constexpr (error_for<E, typename op::error_type>) {
                return awaiter<op, Promise>{to_operation(std::forward<A>(a)), static_cast<Promise&>(*this)};
            } else {
                return std::suspend_never{};
            }
        } else {
            return std::suspend_never{};
        }
    }
};

struct return_to_caller {
    constexpr bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
        return self.promise().leave();
    }
    constexpr void await_resume() const noexcept {}
};

template <class T, class E>
class task_promise_base : public frame, public awaits<task_promise_base<T, E>, E> {
public:
    using error_type = E;

    std::suspend_always initial_suspend() const noexcept { return {}; }
    return_to_caller final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { record().die(std::current_exception()); }

    detail::completion<T, E>& record() noexcept { return static_cast<detail::completion<T, E>&>(*frame::completion); }

    // At the final suspension point.
    std::coroutine_handle<> leave() noexcept {
        status const s = record().ended();
        if (s == status::value || (s == status::defect && !forked)) [[likely]] {
            return fiber->return_from(*this);
        }
        return fiber->to_loop(status::failure); // unwinds: children forked here end first
    }
};

template <class T, class E>
class task_promise : public task_promise_base<T, E> {
public:
    task<T, E> get_return_object() noexcept;

    template <class U = T>
        requires storable<T, U>
    void return_value(U&& value) {
        this->record().succeed(std::forward<U>(value));
    }
    template <class U>
        requires(!storable<T, U> && !is_failing<std::remove_cvref_t<U>>)
    void return_value(U&&) {
        static_assert(fits<U>, "coir: co_return takes a value of the task's type, or fail(e)");
    }
    template <class F>
    void return_value(failing<F> f) {
        static_assert(error_for<E, F>, "coir: the task's error type does not accept this failure");
        this->record().fail(convert_error<E>(f.error()));
    }
};

template <class E>
class task_promise<void, E> : public task_promise_base<void, E> {
public:
    task<void, E> get_return_object() noexcept;
    void return_void() noexcept { this->record().succeed(); }
};

} // namespace detail

// T: void, an object type or an lvalue reference. E: never, an object type, or a std::variant of
// errors. Not thread-safe itself; it may be made on one thread and run on another. Destroying a
// task that was not awaited runs nothing of it. Awaiting it costs O(1), and one allocation that
// a thread-local cache serves.
template <class T = void, class E = never>
class [[nodiscard("a task does nothing until it is awaited")]] COIR_TASK_ATTRIBUTES task {
public:
    using promise_type = detail::task_promise<T, E>;
    using value_type = T;
    using error_type = E;

    task(task&& other) noexcept : coroutine_{std::exchange(other.coroutine_, nullptr)} {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            destroy();
            coroutine_ = std::exchange(other.coroutine_, nullptr);
        }
        return *this;
    }
    ~task() { destroy(); }

    // For the library: the operation of awaiting it.
    detail::call<T, E> coir_operation() && noexcept { return detail::call<T, E>{std::exchange(coroutine_, nullptr)}; }

private:
    friend promise_type;

    explicit task(std::coroutine_handle<promise_type> c) noexcept : coroutine_{c} {}

    void destroy() noexcept {
        if (coroutine_) {
            coroutine_.destroy();
        }
    }

    std::coroutine_handle<promise_type> coroutine_;
};

namespace detail {

template <class Promise>
std::coroutine_handle<Promise> handle_of(Promise& p) noexcept {
    auto const h = std::coroutine_handle<Promise>::from_promise(p);
    p.handle = h;
    return h;
}

template <class T, class E>
task<T, E> task_promise<T, E>::get_return_object() noexcept {
    return task<T, E>{handle_of(*this)};
}

template <class E>
task<void, E> task_promise<void, E>::get_return_object() noexcept {
    return task<void, E>{handle_of(*this)};
}

} // namespace detail

} // namespace coir::inline v0

#include <coir/adapt.hpp>
