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

// The part of an operation that reads an outcome shared with others.
template <class T, class E>
class outcome_view {
public:
    using value_type = typename shared_value<T>::type;
    using error_type = E;

    value_type get() const {
        if constexpr (std::is_void_v<T>) {
            end_->value();
        } else {
            return end_->value();
        }
    }
    E const& error() const
        requires(!std::same_as<E, never>)
    {
        return end_->error();
    }
    std::exception_ptr defect() const { return end_->defect(); }
    fiber_id interrupted_by() const { return end_ != nullptr ? end_->interrupted_by() : fiber_id{}; }
    std::span<std::exception_ptr const> suppressed() const noexcept {
        return end_ != nullptr ? end_->suppressed() : std::span<std::exception_ptr const>{};
    }

protected:
    status show(outcome<T, E> const& end) noexcept {
        end_ = &end;
        return status_of(end.kind());
    }

private:
    outcome<T, E> const* end_ = nullptr; // null: abandoned, there is nothing to read
};

} // namespace coir::inline v0::detail
