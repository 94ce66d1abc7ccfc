// Operations that turn an end into a value: as_result, as_outcome.
#pragma once

#include <coir/detail/work.hpp>

namespace coir::inline v0::detail {

template <class T>
inline constexpr bool can_be_kept =
    std::is_void_v<T> || !std::is_reference_v<T> || std::copy_constructible<std::remove_cvref_t<T>>;

template <class T>
using kept = std::conditional_t<std::is_void_v<T>, void, std::remove_cvref_t<T>>;

template <class Inner>
class [[nodiscard]] as_outcome_operation {
    static_assert(can_be_kept<typename Inner::value_type>,
                  "coir: the outcome cannot copy this shared value; await take() instead");

public:
    using value_type = outcome<kept<typename Inner::value_type>, typename Inner::error_type>;
    using error_type = never;
    static constexpr bool is_leaf = leaf_operation<Inner>;

    explicit as_outcome_operation(Inner&& inner) : inner_{std::move(inner)} {}

    // An interruption of this fiber passes through, unless a mask hides it from here.
    status poll(fiber_base& f) {
        status const s = inner_.poll(f);
        if (!has_ended(s) || (s == status::cancelled && f.cancel_requested())) {
            return s;
        }
        try {
            end_.emplace(outcome_of<value_type>(inner_, s, f));
        } catch (...) {
            end_.emplace(value_type::died(std::current_exception()));
        }
        return status::value;
    }

    value_type get() { return std::move(*end_); }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    Inner inner_;
    std::optional<value_type> end_;
};

template <class Inner>
class [[nodiscard]] as_result_operation {
    static_assert(can_be_kept<typename Inner::value_type>,
                  "coir: the result cannot copy this shared value; await take() instead");

public:
    using value_type = result<kept<typename Inner::value_type>, typename Inner::error_type>;
    using error_type = never;
    static constexpr bool is_leaf = leaf_operation<Inner>;

    explicit as_result_operation(Inner&& inner) : inner_{std::move(inner)} {}

    status poll(fiber_base& f) {
        ended_ = inner_.poll(f);
        if (ended_ != status::failure) {
            return ended_;
        }
        f.forget_suppressed();
        return status::value;
    }

    value_type get() {
        if constexpr (!std::same_as<typename Inner::error_type, never>) {
            if (ended_ == status::failure) {
                return value_type::failure(inner_.error());
            }
        }
        if constexpr (std::is_void_v<typename Inner::value_type>) {
            inner_.get();
            return value_type{};
        } else {
            return value_type{in_place_success, inner_.get()};
        }
    }
    std::exception_ptr defect() { return inner_.defect(); }
    fiber_id interrupted_by() { return inner_.interrupted_by(); }

private:
    Inner inner_;
    status ended_ = status::pending;
};

} // namespace coir::inline v0::detail
