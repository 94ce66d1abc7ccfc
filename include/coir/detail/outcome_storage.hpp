// Discriminator and union behind outcome<T, E>. It always holds exactly one alternative: an
// assignment whose construction throws leaves that exception behind as the defect.
//
//     outcome_storage<int, never> s(in_place_success, 7);
//     s.kind();                                             // outcome_kind::success
//     s.success().get();                                    // 7; unchecked, the face checks
//     s = outcome_storage<int, never>(fiber_id{3});         // now interrupted
#pragma once

#include <coir/detail/slot.hpp>
#include <coir/detail/suppressed_list.hpp>
#include <coir/detail/vocabulary.hpp>

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

template <class T, class E>
class outcome_storage {
    static constexpr bool copyable = std::is_copy_constructible_v<slot<T>> && std::is_copy_constructible_v<E>;
    static constexpr bool movable = std::is_move_constructible_v<slot<T>> && std::is_move_constructible_v<E>;
    static constexpr bool nothrow_copyable =
        std::is_nothrow_copy_constructible_v<slot<T>> && std::is_nothrow_copy_constructible_v<E>;
    static constexpr bool nothrow_movable =
        std::is_nothrow_move_constructible_v<slot<T>> && std::is_nothrow_move_constructible_v<E>;

public:
    template <class... Args>
    explicit outcome_storage(in_place_success_t, Args&&... args) noexcept(nothrow_storable<T, Args...>)
        : success_(std::in_place, std::forward<Args>(args)...), kind_(outcome_kind::success) {}

    template <class... Args>
    explicit outcome_storage(in_place_failure_t, Args&&... args) noexcept(std::is_nothrow_constructible_v<E, Args...>)
        : failure_(std::forward<Args>(args)...), kind_(outcome_kind::failure) {}

    explicit outcome_storage(std::exception_ptr thrown) noexcept
        : defect_(never_null(std::move(thrown))), kind_(outcome_kind::defect) {}

    explicit outcome_storage(fiber_id by) noexcept : interrupted_by_(by), kind_(outcome_kind::interrupted) {}

    outcome_storage(outcome_storage const& other) noexcept(nothrow_copyable)
        requires copyable
        : suppressed_(other.suppressed_), kind_(other.kind_) {
        construct_from(other);
    }
    outcome_storage(outcome_storage&& other) noexcept(nothrow_movable)
        requires movable
        : suppressed_(std::move(other.suppressed_)), kind_(other.kind_) {
        construct_from(std::move(other));
    }
    outcome_storage& operator=(outcome_storage const& other) noexcept(nothrow_copyable && nothrow_movable)
        requires(copyable && movable)
    {
        if (this != &other) replace(outcome_storage(other));
        return *this;
    }
    outcome_storage& operator=(outcome_storage&& other) noexcept(nothrow_movable)
        requires movable
    {
        // Through a temporary, because `other` may live inside the value that is replaced.
        if (this != &other) replace(outcome_storage(std::move(other)));
        return *this;
    }
    ~outcome_storage() { destroy(); }

    [[nodiscard]] outcome_kind kind() const noexcept { return kind_; }

    slot<T>& success() & noexcept { return success_; }
    slot<T> const& success() const& noexcept { return success_; }
    slot<T>&& success() && noexcept { return static_cast<slot<T>&&>(success_); }
    E& failure() & noexcept { return failure_; }
    E const& failure() const& noexcept { return failure_; }
    E&& failure() && noexcept { return static_cast<E&&>(failure_); }
    [[nodiscard]] std::exception_ptr const& defect() const noexcept { return defect_; }
    [[nodiscard]] fiber_id interrupted_by() const noexcept { return interrupted_by_; }

    suppressed_list& suppressed() noexcept { return suppressed_; }
    [[nodiscard]] suppressed_list const& suppressed() const noexcept { return suppressed_; }

private:
    template <class Other>
    void construct_from(Other&& other) {
        switch (kind_) {
        case outcome_kind::success: std::construct_at(&success_, std::forward<Other>(other).success()); break;
        case outcome_kind::failure: std::construct_at(&failure_, std::forward<Other>(other).failure()); break;
        case outcome_kind::defect: std::construct_at(&defect_, other.defect()); break;
        case outcome_kind::interrupted: std::construct_at(&interrupted_by_, other.interrupted_by()); break;
        }
    }

    void destroy() noexcept {
        switch (kind_) {
        case outcome_kind::success: std::destroy_at(&success_); break;
        case outcome_kind::failure: std::destroy_at(&failure_); break;
        case outcome_kind::defect: std::destroy_at(&defect_); break;
        case outcome_kind::interrupted: break;
        }
    }

    void replace(outcome_storage&& other) noexcept(nothrow_movable) {
        destroy();
        kind_ = other.kind_;
        suppressed_ = std::move(other.suppressed_);
        if constexpr (nothrow_movable) {
            construct_from(std::move(other));
        } else {
            try {
                construct_from(std::move(other));
            } catch (...) {
                std::construct_at(&defect_, std::current_exception());
                kind_ = outcome_kind::defect;
                throw;
            }
        }
    }

    union {
        slot<T> success_;
        E failure_;
        std::exception_ptr defect_;
        fiber_id interrupted_by_;
    };
    suppressed_list suppressed_;
    outcome_kind kind_;
};

} // namespace coir::inline v0::detail
