// How something ended: with a value, a typed failure, a defect (a C++ exception) or by being
// interrupted. `outcome` is what the library hands out wherever all four can be seen.
//
//     outcome<int, parse_error> o = sync_wait(parse(text));
//     if (o.is_success()) use(o.value());
//     if (o.is_failure()) explain(o.error());
//     o.visit([](int n) { use(n); }, [](parse_error const& e) { explain(e); },
//             [](std::exception_ptr const& p) { report(p); }, [](fiber_id by) { log(by); });
#pragma once

#include <coir/detail/outcome_storage.hpp>
#include <coir/detail/outcome_visit.hpp>
#include <coir/detail/vocabulary.hpp>
#include <coir/errors.hpp>
#include <coir/result.hpp>

#include <concepts>
#include <exception>
#include <span>
#include <type_traits>
#include <utility>

namespace coir::inline v0 {

/// success(T), failure(E), defect(std::exception_ptr) or interrupted(fiber_id); never empty.
///
/// `T` may be void, a type that only moves or cannot even move, an lvalue reference (kept as a
/// pointer; assigning rebinds) or another outcome; `E` any object type. It copies and moves where
/// both do. A moved-from outcome keeps its kind. An assignment that throws leaves the exception
/// in the target as its defect. Like any value, one object may be read by many threads at once
/// and needs external order when one of them writes.
template <class T = void, class E = never>
class outcome {
    static_assert(std::is_object_v<E> && !std::is_array_v<E> && !std::is_const_v<E>,
                  "coir: the error type of an outcome is a plain object type, or never");

public:
    using value_type = T;
    using error_type = E;

    /// The value made from `args`: nothing for void, one lvalue for a reference.
    template <class... Args>
        requires detail::storable<T, Args...>
    explicit outcome(in_place_success_t tag, Args&&... args) noexcept(detail::nothrow_storable<T, Args...>)
        : storage_(tag, std::forward<Args>(args)...) {}

    /// The typed failure made from `args`.
    template <class... Args>
        requires std::constructible_from<E, Args...>
    explicit outcome(in_place_failure_t tag, Args&&... args) noexcept(std::is_nothrow_constructible_v<E, Args...>)
        : storage_(tag, std::forward<Args>(args)...) {}

    /// The same ending in wider types: the value converts, the error by `convert_error`.
    template <class T2, class E2>
        requires(!std::same_as<outcome<T2, E2>, outcome> && detail::widens_to<T, detail::const_access_t<T2>> &&
                 error_for<E, E2>)
    explicit outcome(outcome<T2, E2> const& other) : storage_(detail::widened<T, E>(other)) {
        storage_.suppressed() = other.storage_.suppressed();
    }
    template <class T2, class E2>
        requires(!std::same_as<outcome<T2, E2>, outcome> && detail::widens_to<T, std::add_rvalue_reference_t<T2>> &&
                 error_for<E, E2>)
    explicit outcome(outcome<T2, E2>&& other) : storage_(detail::widened<T, E>(std::move(other))) {
        storage_.suppressed() = std::move(other.storage_.suppressed());
    }

    template <class... Args>
        requires detail::storable<T, Args...>
    [[nodiscard]] static outcome success(Args&&... args) noexcept(detail::nothrow_storable<T, Args...>) {
        return outcome(in_place_success, std::forward<Args>(args)...);
    }
    template <class... Args>
        requires std::constructible_from<E, Args...>
    [[nodiscard]] static outcome failure(Args&&... args) noexcept(std::is_nothrow_constructible_v<E, Args...>) {
        return outcome(in_place_failure, std::forward<Args>(args)...);
    }
    /// A null pointer, which std::current_exception() gives outside a handler, counts as
    /// std::bad_exception.
    [[nodiscard]] static outcome died(std::exception_ptr thrown) noexcept { return outcome(std::move(thrown)); }
    /// Interrupted by `by`; zero stands for plain code outside any fiber.
    [[nodiscard]] static outcome interrupted(fiber_id by = {}) noexcept { return outcome(by); }

    [[nodiscard]] outcome_kind kind() const noexcept { return storage_.kind(); }
    [[nodiscard]] bool is_success() const noexcept { return kind() == outcome_kind::success; }
    [[nodiscard]] bool is_failure() const noexcept {
        // For never this is known at compile time, and the code behind it goes away.
        return !std::same_as<E, never> && kind() == outcome_kind::failure;
    }
    [[nodiscard]] bool is_defect() const noexcept { return kind() == outcome_kind::defect; }
    [[nodiscard]] bool is_interrupted() const noexcept { return kind() == outcome_kind::interrupted; }

    /// The value. Rethrows the defect; throws `bad_outcome` for a failure or an interruption.
    std::add_lvalue_reference_t<T> value() & {
        require_success();
        return storage_.success().get();
    }
    detail::const_access_t<T> value() const& {
        require_success();
        return storage_.success().get();
    }
    std::add_rvalue_reference_t<T> value() && {
        require_success();
        return std::move(storage_).success().get();
    }

    /// The typed failure; throws `bad_outcome` when there is none.
    [[nodiscard]] E& error() & {
        require(outcome_kind::failure);
        return storage_.failure();
    }
    [[nodiscard]] E const& error() const& {
        require(outcome_kind::failure);
        return storage_.failure();
    }
    [[nodiscard]] E&& error() && {
        require(outcome_kind::failure);
        return std::move(storage_).failure();
    }

    /// The exception, never null; throws `bad_outcome` when there is none.
    [[nodiscard]] std::exception_ptr const& defect() const {
        require(outcome_kind::defect);
        return storage_.defect();
    }

    /// Who interrupted; throws `bad_outcome` when nobody did.
    [[nodiscard]] fiber_id interrupted_by() const {
        require(outcome_kind::interrupted);
        return storage_.interrupted_by();
    }

    /// Calls the one of the functions that fits and returns what it returns:
    /// `on_success(value)`, or `on_success()` for void; `on_failure(error)`;
    /// `on_defect(std::exception_ptr const&)`; `on_interrupted(fiber_id)`. Chosen by place, so it
    /// is clear even where T and E are the same type. The results are of one type, or have a
    /// common type. Where E is never, `on_failure` is left out.
    template <class... Fs>
    decltype(auto) visit(Fs&&... fs) & {
        return detail::visit_outcome(*this, std::forward<Fs>(fs)...);
    }
    template <class... Fs>
    decltype(auto) visit(Fs&&... fs) const& {
        return detail::visit_outcome(*this, std::forward<Fs>(fs)...);
    }
    template <class... Fs>
    decltype(auto) visit(Fs&&... fs) && {
        return detail::visit_outcome(std::move(*this), std::forward<Fs>(fs)...);
    }

    /// What was thrown while cleaning up after the first cause, and what failed beside it (a typed
    /// failure as suppressed_failure<E>), oldest first, 64 at most; empty and free in the normal case.
    /// Valid until this outcome is destroyed, assigned, moved from or added to.
    [[nodiscard]] std::span<std::exception_ptr const> suppressed() const noexcept {
        return storage_.suppressed().view();
    }
    /// Appends one. Copies made before do not see it. Unchanged when it throws std::bad_alloc.
    void add_suppressed(std::exception_ptr thrown) { storage_.suppressed().add(detail::never_null(std::move(thrown))); }

    /// The same kind with equal content; defects are equal when they are the same exception
    /// object. What was suppressed does not count.
    friend bool operator==(outcome const& a, outcome const& b)
        requires std::equality_comparable<detail::slot<T>> && std::equality_comparable<E>
    {
        if (a.kind() != b.kind()) return false;
        switch (a.kind()) {
        case outcome_kind::success: return a.storage_.success() == b.storage_.success();
        case outcome_kind::failure: return a.storage_.failure() == b.storage_.failure();
        case outcome_kind::defect: return a.storage_.defect() == b.storage_.defect();
        case outcome_kind::interrupted: return a.storage_.interrupted_by() == b.storage_.interrupted_by();
        }
        return false;
    }

private:
    using storage = detail::outcome_storage<T, E>;

    template <class, class>
    friend class outcome;

    explicit outcome(std::exception_ptr thrown) noexcept : storage_(std::move(thrown)) {}
    explicit outcome(fiber_id by) noexcept : storage_(by) {}

    void require(outcome_kind wanted) const {
        if (kind() != wanted) [[unlikely]]
            detail::throw_bad_outcome(kind());
    }
    void require_success() const {
        if (is_success()) [[likely]]
            return;
        if (is_defect()) std::rethrow_exception(storage_.defect());
        detail::throw_bad_outcome(kind());
    }

    storage storage_;
};

} // namespace coir::inline v0
