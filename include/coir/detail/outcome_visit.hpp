// What outcome does over all its alternatives at once: visiting them, and rebuilding them in
// wider types. Written against the observers, so that it needs no access to the storage.
//
//     visit_outcome(o, on_success, on_failure, on_defect, on_interrupted);
//     visit_outcome(o, on_success, on_defect, on_interrupted);       // E is never
//     outcome_storage<long, errors<a, b>> wide = widened<long, errors<a, b>>(narrow);
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/outcome_storage.hpp>
#include <coir/errors.hpp>

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

template <class... Rs>
struct visit_result {
    using type = std::common_type_t<Rs...>;
};
// One and the same type stays as it is: a reference would decay in std::common_type.
template <class R, class... Rs>
    requires(std::same_as<R, Rs> && ...)
struct visit_result<R, Rs...> {
    using type = R;
};

template <class Outcome, class F>
decltype(auto) call_with_value(Outcome&& o, F&& on_success) {
    if constexpr (std::is_void_v<typename std::remove_cvref_t<Outcome>::value_type>) {
        return detail::invoke(std::forward<F>(on_success));
    } else {
        return detail::invoke(std::forward<F>(on_success), std::forward<Outcome>(o).value());
    }
}
template <class Outcome, class F>
using value_call_t = decltype(call_with_value(std::declval<Outcome>(), std::declval<F>()));

template <class Outcome, class S, class F, class D, class I>
auto visit_outcome(Outcome&& o, S&& on_success, F&& on_failure, D&& on_defect, I&& on_interrupted) ->
    typename visit_result<value_call_t<Outcome, S>, std::invoke_result_t<F, decltype(std::declval<Outcome>().error())>,
                          std::invoke_result_t<D, std::exception_ptr const&>, std::invoke_result_t<I, fiber_id>>::type {
    switch (o.kind()) {
    case outcome_kind::success: return call_with_value(std::forward<Outcome>(o), std::forward<S>(on_success));
    case outcome_kind::failure: return detail::invoke(std::forward<F>(on_failure), std::forward<Outcome>(o).error());
    case outcome_kind::defect: return detail::invoke(std::forward<D>(on_defect), o.defect());
    case outcome_kind::interrupted: break;
    }
    return detail::invoke(std::forward<I>(on_interrupted), o.interrupted_by());
}

template <class Outcome, class S, class D, class I>
    requires std::same_as<typename std::remove_cvref_t<Outcome>::error_type, never>
auto visit_outcome(Outcome&& o, S&& on_success, D&& on_defect, I&& on_interrupted) ->
    typename visit_result<value_call_t<Outcome, S>, std::invoke_result_t<D, std::exception_ptr const&>,
                          std::invoke_result_t<I, fiber_id>>::type {
    if (o.is_success()) return call_with_value(std::forward<Outcome>(o), std::forward<S>(on_success));
    if (o.is_defect()) return detail::invoke(std::forward<D>(on_defect), o.defect());
    return detail::invoke(std::forward<I>(on_interrupted), o.interrupted_by());
}

template <class T, class E, class Other>
outcome_storage<T, E> widened(Other&& other) {
    using storage = outcome_storage<T, E>;
    switch (other.kind()) {
    case outcome_kind::success:
        if constexpr (std::is_void_v<typename std::remove_cvref_t<Other>::value_type>) {
            return storage(in_place_success);
        } else {
            return storage(in_place_success, std::forward<Other>(other).value());
        }
    case outcome_kind::failure: return storage(in_place_failure, convert_error<E>(std::forward<Other>(other).error()));
    case outcome_kind::defect: return storage(other.defect());
    case outcome_kind::interrupted: break;
    }
    return storage(other.interrupted_by());
}

} // namespace coir::inline v0::detail
