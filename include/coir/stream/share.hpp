// A stream that runs while somebody reads it, once for all of them.
//
//     auto prices = coir::streams::share(s, [&] { return feed.connect(); });   // connects to nobody yet
//     co_await (prices.subscribe() | coir::streams::for_each(show));           // now it does
//
// The last reader to leave closes the connection; the next one connects anew.
#pragma once

#include <coir/stream/broadcast.hpp>

namespace coir::inline v0::streams {

struct share_options {
    // How far readers may be apart, and what happens then.
    queue_capacity lag = bounded(16);
    // How long it goes on when nobody reads, for who comes in time; zero: not at all.
    clock::duration idle_time_to_live = clock::duration::zero();
};

} // namespace coir::inline v0::streams

namespace coir::inline v0::detail {

template <class Owner, class Factory>
class shared_by_readers : public shared_stream<typename std::invoke_result_t<Factory&>::value_type,
                                               typename std::invoke_result_t<Factory&>::error_type> {
    using base = shared_stream<typename std::invoke_result_t<Factory&>::value_type,
                               typename std::invoke_result_t<Factory&>::error_type>;

public:
    shared_by_readers(Owner owner, Factory&& factory, streams::share_options o)
        : base{owner, std::move(factory), o.lag, o.idle_time_to_live} {}
};

template <class F>
concept stream_factory = std::invocable<F&> && async_stream<std::invoke_result_t<F&>>;

template <class Owner, class F>
auto share_by(Owner owner, F&& factory, streams::share_options options) {
    static_assert(stream_factory<stored<F>>, "coir: share takes a function that makes a stream");
    if constexpr (stream_factory<stored<F>>) {
        using made = std::invoke_result_t<stored<F>&>;
        static_cast<void>(checked_lag(options.lag));
        shared_by_readers<Owner, stored<F>> all{owner, stored<F>(unwrap(std::forward<F>(factory))), options};
        return shared_stream<typename made::value_type, typename made::error_type>{std::move(all)};
    }
}

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// -> shared_stream<T, E>: the first reader that pulls has `factory()` make the stream, and who
// subscribes while it runs reads along, from then on. As in broadcast, elements are pulled when
// they are wanted, and no reader is more than options.lag ahead of another.
//
// When the last reader leaves, the stream is closed, even in the middle of a pull, and that
// reader's sink waits for it; with options.idle_time_to_live the stream is kept open that long
// and closed if nobody came by then. Who subscribes after that, or after the end or the failure of
// a run, begins a new one: never before the one before has been closed. The end of a run, also
// its failure or defect, comes to all who read it.
//
// It is closed at the latest by the end of the scope `s`, when the children of that have ended, or
// by the end of the current fiber where no scope is given; who reads elsewhere then ends as
// interrupted. To be called in the body or in a child of `s`. T is copied for all readers but the
// last; one allocation per element. Throws std::invalid_argument for a lag of 0.
template <class S, class F>
auto share(scope<S>& s, F&& factory, share_options options = {}) {
    return detail::share_by(detail::owned_by_scope<S>{s}, std::forward<F>(factory), options);
}
template <class F>
auto share(F&& factory, share_options options = {}) {
    return detail::share_by(detail::owned_by_fiber{}, std::forward<F>(factory), options);
}

} // namespace coir::inline v0::streams
