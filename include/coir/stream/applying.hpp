// Calling a function of the user on an element: a plain one, or one that returns a task.
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/operation.hpp>
#include <coir/detail/slot.hpp>

#include <optional>
#include <utility>

namespace coir::inline v0::detail {

// A plain function: done when called.
template <class F, class Arg>
class applying {
public:
    using result = std::invoke_result_t<F&, Arg>;
    using value_type = result;
    using error_type = never;
    static constexpr bool suspends = false;

    template <class G>
    explicit applying(std::in_place_t, G&& f) : f_(std::forward<G>(f)) {}

    F& function() noexcept { return f_; }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    F f_;
};

// A function that returns an awaitable, which is awaited.
template <class F, class Arg>
    requires awaitable<std::invoke_result_t<F&, Arg>>
class applying<F, Arg> {
    using inner = operation_of<std::invoke_result_t<F&, Arg>>;

public:
    using value_type = typename inner::value_type;
    using error_type = typename inner::error_type;
    static constexpr bool suspends = true;

    template <class G>
    explicit applying(std::in_place_t, G&& f) : f_(std::forward<G>(f)) {}
    applying(applying&& other) : f_(std::move(other.f_)) {} // between two elements

    bool is_running() const noexcept { return running_.has_value(); }
    // `arg` must stay until it has ended.
    void start(Arg&& arg) { running_.emplace(operation_from(detail::invoke(f_, static_cast<Arg&&>(arg)))); }
    status poll(fiber_base& f) { return running_->poll(f); }
    void finish() noexcept { running_.reset(); }

    value_type get() { return running_->get(); }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return running_->error();
    }
    std::exception_ptr defect() { return running_->defect(); }
    fiber_id interrupted_by() { return running_->interrupted_by(); }

private:
    F f_;
    std::optional<inner> running_;
};

// A function that was handed to a stage or sink is callable with the element.
template <class F, class Arg>
concept element_function = std::invocable<F&, Arg>;

// What a function returned can be an element.
template <class T>
concept gives_element = std::is_object_v<T>;

// A plain function of an element that says yes or no; a task would always be yes.
template <class F, class T>
concept element_predicate =
    std::invocable<F&, T const&> && std::same_as<std::remove_cvref_t<std::invoke_result_t<F&, T const&>>, bool>;

} // namespace coir::inline v0::detail
