// A typed failure that came after the first cause, as it stands in suppressed().
//
//     try {
//         std::rethrow_exception(end.suppressed().front());
//     } catch (coir::suppressed_failure<io_error> const& later) {
//         log(later.error());
//     }
#pragma once

#include <coir/detail/operation.hpp>

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

namespace coir::inline v0 {

// Nobody threw it, but a list of what was thrown is where it can be found. Catch it, or bad_outcome.
template <class E>
class suppressed_failure : public bad_outcome {
public:
    explicit suppressed_failure(E e) : bad_outcome{outcome_kind::failure}, error_{std::move(e)} {}

    E const& error() const noexcept { return error_; }

private:
    E error_;
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// A defect, or a failure of a type that can be copied; else null.
template <class End>
std::exception_ptr as_thrown(End& end, status s) noexcept {
    if (s == status::defect) {
        return end.defect();
    }
    if constexpr (!std::same_as<typename End::error_type, never>) {
        using error = std::remove_cvref_t<decltype(end.error())>;
        if constexpr (std::copy_constructible<error>) {
            if (s == status::failure) {
                try {
                    return std::make_exception_ptr(suppressed_failure<error>{end.error()});
                } catch (...) { // copying the error threw
                    return std::current_exception();
                }
            }
        }
    }
    return nullptr;
}

} // namespace coir::inline v0::detail
