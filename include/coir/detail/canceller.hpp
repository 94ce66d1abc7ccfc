// What a registration of a callback returns: how to undo it. Nothing at all, or a callable that
// returns void or an awaitable without error.
#pragma once

#include <coir/detail/finalizer.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/task.hpp>

#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

// Of a registration that returns none.
struct no_canceller {};

// What to keep of what it returns.
template <class Returned>
using canceller_of = std::conditional_t<std::is_void_v<Returned>, no_canceller, std::decay_t<Returned>>;

template <class C>
inline constexpr bool is_canceller = [] {
    if constexpr (std::same_as<C, no_canceller>) {
        return true;
    } else if constexpr (std::invocable<C&>) {
        return std::is_void_v<std::invoke_result_t<C&>> || finalizer<C>;
    } else {
        return false;
    }
}();

// A canceller as a finalizer, that is, a callable that returns an awaitable.
template <class C>
class canceller_finalizer {
public:
    explicit canceller_finalizer(C&& c) : canceller_(std::move(c)) {}

    auto operator()() {
        if constexpr (std::is_void_v<std::invoke_result_t<C&>>) {
            return call(*this);
        } else {
            return detail::invoke(canceller_);
        }
    }

private:
    static task<> call(canceller_finalizer& self) {
        detail::invoke(self.canceller_);
        co_return;
    }

    C canceller_;
};

// It while it runs; empty if there is none.
template <class C>
struct finalizing_canceller {
    using type = finalizing<canceller_finalizer<C>>;
};
template <>
struct finalizing_canceller<no_canceller> {
    using type = no_canceller;
};

} // namespace coir::inline v0::detail
