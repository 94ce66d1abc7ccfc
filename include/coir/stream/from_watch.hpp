// The changes of a watch as a stream.
//
//     co_await (coir::streams::from_watch(config) | coir::streams::for_each(apply));
#pragma once

#include <coir/stream/sources.hpp>
#include <coir/sync/watch.hpp>

namespace coir::inline v0::detail {

template <class T>
void take_watch(watch<T> const&);
template <class W>
concept watch_of_something = requires(W const& w) { detail::take_watch(w); };

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The value of `w` at the first pull, then the newest one whenever there is another: a slow
// consumer skips what was replaced meanwhile. Ends when the watch is closed or destroyed, after
// its last value. The stream may outlive the watch. Interruption ends a wait at once; there is
// nothing to clean up. One allocation per value, none per stream.
template <class T>
auto from_watch(watch<T> const& w) {
    return detail::repeated_source{[reader = w.subscribe()]() mutable { return reader.next(); }};
}
template <class W>
    requires(!detail::watch_of_something<W>)
auto from_watch(W const&) {
    static_assert(detail::fits<W>, "coir: from_watch takes a watch<T>");
}

} // namespace coir::inline v0::streams
