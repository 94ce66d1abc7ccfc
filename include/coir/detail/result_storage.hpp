// Discriminator and union behind result<T, E>: trivial where T and E are, usable in constant
// expressions where they are, and never empty, not even after an assignment that threw.
//
//     result_storage<int, parse_error> s(in_place_success, 7);
//     s.ok();                                               // true
//     s.success().get();                                    // 7; unchecked, the face checks
//     s = result_storage<int, parse_error>(in_place_failure, parse_error{});
#pragma once

#include <coir/detail/slot.hpp>
#include <coir/detail/vocabulary.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

// The same alternative can be given anew: by its own assignment, else by replacing it.
template <class X>
inline constexpr bool copy_renewable =
    std::is_copy_constructible_v<X> && (std::is_copy_assignable_v<X> || std::is_nothrow_move_constructible_v<X>);
template <class X>
inline constexpr bool move_renewable =
    std::is_move_constructible_v<X> && (std::is_move_assignable_v<X> || std::is_nothrow_move_constructible_v<X>);

template <class X>
inline constexpr bool trivially_copied = std::is_trivially_copy_constructible_v<X> &&
                                         std::is_trivially_copy_assignable_v<X> && std::is_trivially_destructible_v<X>;
template <class X>
inline constexpr bool trivially_moved = std::is_trivially_move_constructible_v<X> &&
                                        std::is_trivially_move_assignable_v<X> && std::is_trivially_destructible_v<X>;

// Puts a New where the Old is. When making it throws, the Old is back: either nothing was
// touched yet, or Old moves without throwing. (One of the two must not throw on moving.)
template <class New, class Old, class... Args>
constexpr void replace_alternative(New& place, Old& old, Args&&... args) {
    if constexpr (std::is_nothrow_constructible_v<New, Args...>) {
        std::destroy_at(&old);
        std::construct_at(&place, std::forward<Args>(args)...);
    } else if constexpr (std::is_nothrow_move_constructible_v<New>) {
        New made(std::forward<Args>(args)...);
        std::destroy_at(&old);
        std::construct_at(&place, std::move(made));
    } else {
        Old kept(std::move(old));
        std::destroy_at(&old);
        try {
            std::construct_at(&place, std::forward<Args>(args)...);
        } catch (...) {
            std::construct_at(&old, std::move(kept));
            throw;
        }
    }
}

template <class T, class E>
class result_storage {
    using value = slot<T>;

    static constexpr bool trivially_destroyed =
        std::is_trivially_destructible_v<value> && std::is_trivially_destructible_v<E>;
    static constexpr bool trivial_copy = trivially_copied<value> && trivially_copied<E>;
    static constexpr bool trivial_move = trivially_moved<value> && trivially_moved<E>;
    static constexpr bool copyable = std::is_copy_constructible_v<value> && std::is_copy_constructible_v<E>;
    static constexpr bool movable = std::is_move_constructible_v<value> && std::is_move_constructible_v<E>;
    static constexpr bool switchable =
        std::is_nothrow_move_constructible_v<value> || std::is_nothrow_move_constructible_v<E>;
    static constexpr bool copy_assignable = switchable && copy_renewable<value> && copy_renewable<E>;
    static constexpr bool move_assignable = switchable && move_renewable<value> && move_renewable<E>;
    static constexpr bool nothrow_copyable =
        std::is_nothrow_copy_constructible_v<value> && std::is_nothrow_copy_constructible_v<E>;
    static constexpr bool nothrow_movable =
        std::is_nothrow_move_constructible_v<value> && std::is_nothrow_move_constructible_v<E>;

    template <class X>
    static constexpr bool nothrow_move_renewable =
        std::is_nothrow_move_constructible_v<X> &&
        (std::is_nothrow_move_assignable_v<X> || !std::is_move_assignable_v<X>);

public:
    template <class... Args>
    constexpr explicit result_storage(in_place_success_t, Args&&... args) noexcept(nothrow_storable<T, Args...>)
        : success_(std::in_place, std::forward<Args>(args)...), ok_(true) {}

    template <class... Args>
    constexpr explicit result_storage(in_place_failure_t,
                                      Args&&... args) noexcept(std::is_nothrow_constructible_v<E, Args...>)
        : failure_(std::forward<Args>(args)...), ok_(false) {}

    constexpr result_storage(result_storage const&)
        requires trivial_copy
    = default;
    constexpr result_storage(result_storage const& other) noexcept(nothrow_copyable)
        requires(copyable && !trivial_copy)
        : ok_(other.ok_) {
        construct_from(other);
    }
    constexpr result_storage(result_storage&&)
        requires trivial_move
    = default;
    constexpr result_storage(result_storage&& other) noexcept(nothrow_movable)
        requires(movable && !trivial_move)
        : ok_(other.ok_) {
        construct_from(std::move(other));
    }
    constexpr result_storage& operator=(result_storage const&)
        requires trivial_copy
    = default;
    constexpr result_storage& operator=(result_storage const& other)
        requires(copy_assignable && !trivial_copy)
    {
        assign_from(other);
        return *this;
    }
    constexpr result_storage& operator=(result_storage&&)
        requires trivial_move
    = default;
    constexpr result_storage& operator=(result_storage&& other) noexcept(nothrow_move_renewable<value> &&
                                                                         nothrow_move_renewable<E>)
        requires(move_assignable && !trivial_move)
    {
        assign_from(std::move(other));
        return *this;
    }
    constexpr ~result_storage()
        requires trivially_destroyed
    = default;
    constexpr ~result_storage() {
        if (ok_)
            std::destroy_at(&success_);
        else
            std::destroy_at(&failure_);
    }

    [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }

    constexpr value& success() & noexcept { return success_; }
    constexpr value const& success() const& noexcept { return success_; }
    constexpr value&& success() && noexcept { return static_cast<value&&>(success_); }
    constexpr E& failure() & noexcept { return failure_; }
    constexpr E const& failure() const& noexcept { return failure_; }
    constexpr E&& failure() && noexcept { return static_cast<E&&>(failure_); }

private:
    template <class Other>
    constexpr void construct_from(Other&& other) {
        if (ok_)
            std::construct_at(&success_, std::forward<Other>(other).success());
        else
            std::construct_at(&failure_, std::forward<Other>(other).failure());
    }

    template <class Other>
    constexpr void assign_from(Other&& other) {
        if (this == &other) return;
        if (ok_ && other.ok_)
            renew(success_, std::forward<Other>(other).success());
        else if (!ok_ && !other.ok_)
            renew(failure_, std::forward<Other>(other).failure());
        else if (other.ok_)
            replace_alternative(success_, failure_, std::forward<Other>(other).success());
        else
            replace_alternative(failure_, success_, std::forward<Other>(other).failure());
        ok_ = other.ok_;
    }

    template <class X, class From>
    static constexpr void renew(X& held, From&& from) {
        if constexpr (std::is_assignable_v<X&, From&&>)
            held = std::forward<From>(from);
        else
            replace_alternative(held, held, std::forward<From>(from));
    }

    union {
        value success_;
        E failure_;
    };
    bool ok_;
};

} // namespace coir::inline v0::detail
