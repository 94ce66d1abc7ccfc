// Ends an operation as a stored outcome says, giving out references into it.
#pragma once

#include <coir/detail/operation.hpp>

#include <exception>
#include <span>

namespace coir::inline v0::detail {

constexpr status status_of(outcome_kind k) noexcept {
    switch (k) {
    case outcome_kind::success: return status::value;
    case outcome_kind::failure: return status::failure;
    case outcome_kind::defect: return status::defect;
    case outcome_kind::interrupted: break;
    }
    return status::interrupted;
}

template <class T>
struct shared_value {
    using type = T const&;
};
template <class U>
struct shared_value<U&> {
    using type = U&;
};
template <>
struct shared_value<void> {
    using type = void;
};

// The part of an operation that reads an outcome shared with others: Self::shown(), null if the
// operation ended before there was any.
template <class Self, class T, class E>
class outcome_view {
public:
    using value_type = typename shared_value<T>::type;
    using error_type = E;

    value_type get() const {
        if constexpr (std::is_void_v<T>) {
            end().value();
        } else {
            return end().value();
        }
    }
    E const& error() const
        requires(!std::same_as<E, never>)
    {
        return end().error();
    }
    std::exception_ptr defect() const { return end().defect(); }
    fiber_id interrupted_by() const {
        outcome<T, E> const* const e = shown();
        return e != nullptr ? e->interrupted_by() : fiber_id{};
    }
    std::span<std::exception_ptr const> suppressed() const noexcept {
        outcome<T, E> const* const e = shown();
        return e != nullptr ? e->suppressed() : std::span<std::exception_ptr const>{};
    }

private:
    outcome<T, E> const* shown() const noexcept { return static_cast<Self const&>(*this).shown(); }
    outcome<T, E> const& end() const noexcept { return *shown(); }
};

} // namespace coir::inline v0::detail
