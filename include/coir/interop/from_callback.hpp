// Awaiting what another library reports by a callback.
//
//     auto const page = co_await coir::from_callback<std::string, http_error>([&](auto done) {
//         int const id = http.get(url, [done](int status, std::string body) {
//             status == 200 ? done.succeed(std::move(body)) : done.fail(http_error{status});
//         });
//         return [&http, id] { http.cancel(id); };            // the canceller
//     });
//
// `done` is a deferred_completer<T, E>: succeed, fail, die, interrupt, done(outcome). It may be
// copied, kept as long as one likes and called on any thread, also during the registration. The
// first call counts and returns true; what comes later, or after an interruption, returns false,
// leaves its arguments untouched, and touches nothing of the fiber. When the last copy goes away
// without a call, the await ends as interrupted: nobody is left who could complete it.
//
// What calls back again and again is a stream: streams::from_callback in <coir/stream.hpp>.
#pragma once

#include <coir/detail/callback_operation.hpp>
#include <coir/detail/inline_closure.hpp>

namespace coir::inline v0 {

// `co_await from_callback<T, E>(registration)` calls `registration(done)` in this fiber and gives
// what `done` was given, moved; E is never by default.
//
// If the registration returns a canceller - a callable without arguments that returns nothing or
// an awaitable without error - the await can be interrupted: from then on `done` is ignored, the
// canceller is run in this fiber, to its end and masked, and what it throws is among the outcome's
// suppressed(). It is not run if `done` came first, as during the registration. Where the callback
// refers to what this fiber owns, it must have been stopped when the canceller has ended.
//
// If the registration returns void, the await cannot be interrupted: it waits for `done`, as
// nobody knows what the callback refers to. To walk away from one that refers to nothing, return a
// canceller that does nothing.
//
// What the registration throws is a defect, and `done` is ignored from then on. Two allocations.
template <class T = void, class E = never, class F>
    requires std::invocable<detail::stored<F>&, deferred_completer<T, E>>
auto from_callback(F&& registration) {
    COIR_CHECK_CLOSURE(F);
    return detail::callback_operation<T, E, detail::stored<F>>{std::in_place,
                                                               detail::unwrap(std::forward<F>(registration))};
}

} // namespace coir::inline v0
