// Operations that go on from an end: with a function of the value or of the error.
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/show_operation.hpp>
#include <coir/detail/slot.hpp>
#include <coir/detail/work.hpp>

#include <optional>

namespace coir::inline v0::detail {

// What F gives for a T, or for nothing if that is void.
template <class F, class T>
struct value_result {
    using type = std::invoke_result_t<F&, T>;
};
template <class F>
struct value_result<F, void> {
    using type = std::invoke_result_t<F&>;
};

template <class T>
using value_or_lvalue = std::conditional_t<std::is_lvalue_reference_v<T>, T, std::remove_cvref_t<T>>;

// Makes a slot<To> from what `f` gives.
template <class To, class F, class... Args>
void fill(std::optional<slot<To>>& to, F& f, Args&&... args) {
    if constexpr (std::is_void_v<To>) {
        detail::invoke(f, std::forward<Args>(args)...);
        to.emplace(std::in_place);
    } else {
        to.emplace(std::in_place, detail::invoke(f, std::forward<Args>(args)...));
    }
}

// Gives f(value). `f` runs as soon as the value is there, within whatever is around.
template <class Inner, class F>
class [[nodiscard]] transform_operation : public adaptor<Inner> {
    using source = typename Inner::value_type;

public:
    using value_type = value_or_lvalue<typename value_result<F, source>::type>;

    template <class G>
    transform_operation(Inner&& inner, G&& f) : adaptor<Inner>{std::move(inner)}, f_(std::forward<G>(f)) {}

    status poll(fiber_base& f) {
        status const s = this->inner_.poll(f);
        return s == status::value ? apply() : s;
    }
    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        if (!value_) {
            std::rethrow_exception(this->inner_.defect());
        }
        return std::move(*value_).get();
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : this->inner_.defect(); }

private:
    status apply() noexcept {
        try {
            if constexpr (std::is_void_v<source>) {
                this->inner_.get();
                fill(value_, f_);
            } else {
                fill(value_, f_, this->inner_.get());
            }
            return status::value;
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }

    F f_;
    std::optional<slot<value_type>> value_;
    std::exception_ptr thrown_;
};

// The error type of what can fail.
template <class Op>
struct failure_of {
    static_assert(!std::same_as<typename Op::error_type, never>, "coir: what is awaited cannot fail");
    using type = typename Op::error_type;
};

// Fails with f(error).
template <class Inner, class F>
class [[nodiscard]] transform_error_operation : public adaptor<Inner> {
    using given = typename failure_of<Inner>::type;

public:
    static_assert(std::invocable<F&, given> || std::invocable<F&, given&>,
                  "coir: transform_error takes a function of the error");
    using error_type = std::remove_cvref_t<std::invoke_result_t<F&, decltype(std::declval<Inner&>().error())>>;

    template <class G>
    transform_error_operation(Inner&& inner, G&& f) : adaptor<Inner>{std::move(inner)}, f_(std::forward<G>(f)) {}

    status poll(fiber_base& f) {
        status const s = this->inner_.poll(f);
        if (s != status::failure) {
            return s;
        }
        try {
            error_.emplace(detail::invoke(f_, this->inner_.error()));
            return s;
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }
    typename Inner::value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return this->inner_.get();
    }
    error_type&& error() noexcept { return std::move(*error_); }
    std::exception_ptr defect() { return thrown_ ? thrown_ : this->inner_.defect(); }

private:
    F f_;
    std::optional<error_type> error_;
    std::exception_ptr thrown_;
};

// Gives another value instead of failing.
template <class Inner, class V>
class [[nodiscard]] value_or_operation : public adaptor<Inner> {
    static_assert(can_be_kept<typename Inner::value_type>, "coir: value_or cannot copy this shared value");
    static_assert(std::is_void_v<typename Inner::value_type> ||
                      std::constructible_from<kept<typename Inner::value_type>, V>,
                  "coir: value_or takes a value that converts to the type of what is awaited");

public:
    using value_type = kept<typename Inner::value_type>;
    using error_type = never;

    template <class W>
    value_or_operation(Inner&& inner, W&& otherwise)
        : adaptor<Inner>{std::move(inner)}, otherwise_(std::forward<W>(otherwise)) {}

    status poll(fiber_base& f) {
        status const s = this->inner_.poll(f);
        if (s != status::failure) {
            return s;
        }
        failed_ = true;
        f.forget_suppressed();
        return status::value;
    }
    value_type get() {
        if (failed_) {
            return static_cast<value_type>(std::move(otherwise_));
        }
        return this->inner_.get();
    }

private:
    V otherwise_;
    bool failed_ = false;
};

} // namespace coir::inline v0::detail
