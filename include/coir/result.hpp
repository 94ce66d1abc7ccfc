// A value or a typed error, with the surface of std::expected where the standard library
// does not have it yet, and with void, references and error types that combine.
//
//     result<int, parse_error> parse(std::string_view text);
//     auto r = parse(text).and_then(check).transform([](int n) { return n * 2; });
//     if (r) use(*r); else explain(r.error());
//     int const n = parse(text).value_or(0);
//     result<int, parse_error> failed = result<int, parse_error>::failure("line 3");
#pragma once

#include <coir/detail/result_storage.hpp>
#include <coir/detail/result_traits.hpp>
#include <coir/detail/vocabulary.hpp>
#include <coir/errors.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>
#include <version>

#if defined(__cpp_lib_expected)
#include <expected>
#endif

namespace coir::inline v0 {

/// A `T` or an `E`; never empty. `T` may be void, move-only or an lvalue reference (kept as a
/// pointer; assigning rebinds). Trivial and usable in constant expressions where T and E are. A
/// moved-from result keeps its alternative. An assignment that throws changes nothing, or leaves
/// what the assignment of T or E left. Like any value, one object may be read by many threads
/// at once and needs external order when one of them writes.
template <class T = void, class E = never>
class result {
    static_assert(std::is_object_v<E> && !std::is_array_v<E> && !std::is_const_v<E>,
                  "coir: the error type of a result is a plain object type, or never");

public:
    using value_type = T;
    using error_type = E;
    template <class U>
    using rebind = result<U, E>;

    constexpr result() noexcept(detail::nothrow_storable<T>)
        requires detail::storable<T>
        : storage_(in_place_success) {}

    /// The value; implicit where `U` converts to `T` implicitly.
    template <class U = std::remove_cv_t<T>>
        requires detail::value_for<result, U>
    constexpr explicit(!detail::implicit_value<T, U>) result(U&& value) noexcept(detail::nothrow_storable<T, U>)
        : storage_(in_place_success, std::forward<U>(value)) {}

    template <class... Args>
        requires detail::storable<T, Args...>
    constexpr explicit result(in_place_success_t tag, Args&&... args) noexcept(detail::nothrow_storable<T, Args...>)
        : storage_(tag, std::forward<Args>(args)...) {}

    template <class... Args>
        requires std::constructible_from<E, Args...>
    constexpr explicit result(in_place_failure_t tag,
                              Args&&... args) noexcept(std::is_nothrow_constructible_v<E, Args...>)
        : storage_(tag, std::forward<Args>(args)...) {}

    /// The same in wider types: the value converts, the error by `convert_error`.
    template <class T2, class E2>
        requires detail::widens_from<result, result<T2, E2>, detail::const_access_t<T2>>
    constexpr explicit(!detail::implicit_value<T, detail::const_access_t<T2>>) result(result<T2, E2> const& other)
        : storage_(detail::widened_result<T, E>(other)) {}
    template <class T2, class E2>
        requires detail::widens_from<result, result<T2, E2>, std::add_rvalue_reference_t<T2>>
    constexpr explicit(!detail::implicit_value<T, std::add_rvalue_reference_t<T2>>) result(result<T2, E2>&& other)
        : storage_(detail::widened_result<T, E>(std::move(other))) {}

    template <class... Args>
        requires detail::storable<T, Args...>
    [[nodiscard]] static constexpr result success(Args&&... args) noexcept(detail::nothrow_storable<T, Args...>) {
        return result(in_place_success, std::forward<Args>(args)...);
    }
    template <class... Args>
        requires std::constructible_from<E, Args...>
    [[nodiscard]] static constexpr result
    failure(Args&&... args) noexcept(std::is_nothrow_constructible_v<E, Args...>) {
        return result(in_place_failure, std::forward<Args>(args)...);
    }

#if defined(__cpp_lib_expected)
    /// To and from the standard type, in both directions implicit. References have no
    /// counterpart there.
    constexpr result(std::expected<T, E> const& other)
        requires(!std::is_reference_v<T>)
        : storage_(detail::widened_result<T, E>(other)) {}
    constexpr result(std::expected<T, E>&& other)
        requires(!std::is_reference_v<T>)
        : storage_(detail::widened_result<T, E>(std::move(other))) {}
    constexpr operator std::expected<T, E>() const&
        requires(!std::is_reference_v<T>)
    {
        return detail::standard_expected(*this);
    }
    constexpr operator std::expected<T, E>() &&
        requires(!std::is_reference_v<T>) { return detail::standard_expected(std::move(*this)); }
#endif

        [[nodiscard]] constexpr bool has_value() const noexcept {
        return storage_.ok();
    }
    constexpr explicit operator bool() const noexcept { return storage_.ok(); }

    /// The value; throws `bad_outcome` when this is an error.
    constexpr std::add_lvalue_reference_t<T> value() & {
        require(true);
        return storage_.success().get();
    }
    constexpr detail::const_access_t<T> value() const& {
        require(true);
        return storage_.success().get();
    }
    constexpr std::add_rvalue_reference_t<T> value() && {
        require(true);
        return std::move(storage_).success().get();
    }

    /// The value, unchecked: undefined when this is an error.
    constexpr std::add_lvalue_reference_t<T> operator*() & noexcept { return storage_.success().get(); }
    constexpr detail::const_access_t<T> operator*() const& noexcept { return storage_.success().get(); }
    constexpr std::add_rvalue_reference_t<T> operator*() && noexcept { return std::move(storage_).success().get(); }
    constexpr auto operator->() noexcept
        requires(!std::is_void_v<T>)
    {
        return std::addressof(storage_.success().get());
    }
    constexpr auto operator->() const noexcept
        requires(!std::is_void_v<T>)
    {
        return std::addressof(storage_.success().get());
    }

    /// The error; throws `bad_outcome` when this is a value.
    [[nodiscard]] constexpr E& error() & {
        require(false);
        return storage_.failure();
    }
    [[nodiscard]] constexpr E const& error() const& {
        require(false);
        return storage_.failure();
    }
    [[nodiscard]] constexpr E&& error() && {
        require(false);
        return std::move(storage_).failure();
    }

    /// The value, or `fallback` converted to it; by value also where T is a reference.
    template <class U>
        requires std::convertible_to<U, std::remove_cvref_t<T>>
    [[nodiscard]] constexpr std::remove_cvref_t<T> value_or(U&& fallback) const& {
        if (has_value()) return **this;
        return static_cast<std::remove_cvref_t<T>>(std::forward<U>(fallback));
    }
    template <class U>
        requires std::convertible_to<U, std::remove_cvref_t<T>>
    [[nodiscard]] constexpr std::remove_cvref_t<T> value_or(U&& fallback) && {
        if (has_value()) return *std::move(*this);
        return static_cast<std::remove_cvref_t<T>>(std::forward<U>(fallback));
    }

    /// `f(value)` as the new value: `result<decltype(f(value)), E>`. The error stays.
    template <class F>
    constexpr auto transform(F&& f) & {
        return detail::transform_result(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto transform(F&& f) const& {
        return detail::transform_result(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto transform(F&& f) && {
        return detail::transform_result(std::move(*this), std::forward<F>(f));
    }

    /// `f(value)`, itself a result. Its error type may differ: then the error is `errors<E, G>`.
    template <class F>
    constexpr auto and_then(F&& f) & {
        return detail::result_and_then(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto and_then(F&& f) const& {
        return detail::result_and_then(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto and_then(F&& f) && {
        return detail::result_and_then(std::move(*this), std::forward<F>(f));
    }

    /// `f(error)`, itself a result of the same value type and any error type. The value stays.
    template <class F>
    constexpr auto or_else(F&& f) & {
        return detail::result_or_else(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto or_else(F&& f) const& {
        return detail::result_or_else(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto or_else(F&& f) && {
        return detail::result_or_else(std::move(*this), std::forward<F>(f));
    }

    /// `f(error)` as the new error: `result<T, decltype(f(error))>`. The value stays.
    template <class F>
    constexpr auto transform_error(F&& f) & {
        return detail::transform_result_error(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto transform_error(F&& f) const& {
        return detail::transform_result_error(*this, std::forward<F>(f));
    }
    template <class F>
    constexpr auto transform_error(F&& f) && {
        return detail::transform_result_error(std::move(*this), std::forward<F>(f));
    }

    friend constexpr bool operator==(result const& a, result const& b)
        requires std::equality_comparable<detail::slot<T>> && std::equality_comparable<E>
    {
        if (a.has_value() != b.has_value()) return false;
        return a.has_value() ? a.storage_.success() == b.storage_.success()
                             : a.storage_.failure() == b.storage_.failure();
    }

private:
    constexpr void require(bool ok) const {
        if (ok != storage_.ok()) [[unlikely]]
            detail::throw_bad_outcome(ok ? outcome_kind::failure : outcome_kind::success);
    }

    detail::result_storage<T, E> storage_;
};

} // namespace coir::inline v0
