// What on_done registers: a callback that is shown the outcome of a deferred.
#pragma once

#include <coir/detail/deferred_cell.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/detail/registration.hpp>

#include <type_traits>

namespace coir::inline v0::detail {

// Keep: what holds the cell as long as the registration lives.
template <class T, class E, class F, class Keep>
class outcome_callback {
public:
    template <class G>
    outcome_callback(deferred_cell<T, E>& cell, G&& f, Keep keep)
        : cell_{&cell}, f_(std::forward<G>(f)), keep_(std::move(keep)) {}

    void operator()(bool abandoned) noexcept {
        if (abandoned) {
            auto const gone = outcome<T, E>::interrupted(); // const, as every end is that it is shown
            f_(gone);
        } else {
            f_(std::as_const(cell_->end()));
        }
    }

private:
    deferred_cell<T, E>* cell_;
    F f_;
    COIR_NO_UNIQUE_ADDRESS Keep keep_;
};

template <class T, class E, class F, class Keep = unit>
auto call_on_done(deferred_cell<T, E>& cell, F&& f, Keep keep = {}) {
    using callback = stored<F>;
    static_assert(std::is_nothrow_invocable_v<callback&, outcome<T, E> const&>,
                  "coir: on_done takes a noexcept function of outcome<T, E> const&");
    using call = outcome_callback<T, E, callback, Keep>;
    return registration<call>{cell.waiters(), call{cell, unwrap(std::forward<F>(f)), std::move(keep)}};
}

} // namespace coir::inline v0::detail
