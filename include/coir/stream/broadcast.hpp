// One stream, read by several.
//
//     auto body = [&](coir::scope<>& s) -> coir::task<> {
//         auto readings = sensor() | coir::streams::broadcast(s, 16);
//         s.fork(show, readings.subscribe());
//         s.fork(record, readings.subscribe());
//         co_return;
//     };
//     co_await coir::with_scope(body);
//
// Where each element is for one of several readers there is into(queue) and from_queue.
#pragma once

#include <coir/stream/shared/broadcast_log.hpp>
#include <coir/stream/shared/source.hpp>

#include <stdexcept>

namespace coir::inline v0 {

// A handle to a stream that several read: made by streams::broadcast and streams::share. Copies
// are handles to the same. All of it may be called from any thread.
template <class T, class E = never>
class shared_stream {
    static_assert(std::copy_constructible<T>, "coir: every reader gets a copy; use std::shared_ptr<T const>");
    static_assert(std::same_as<E, never> || std::copy_constructible<E>, "coir: every reader gets the error");
    using run = detail::shared_run<detail::broadcast_log<T>, E>;

public:
    using value_type = T;
    using error_type = E;
    using source = detail::shared_source<run>;

    // A stream of the elements that are pulled from now on. It counts as a reader, which others do
    // not outrun, from this call until it is closed or destroyed. Throws what allocating throws.
    [[nodiscard("it reads as long as what this returns")]] source subscribe() const {
        typename run::reader mine;
        auto const make = [this] {
            return std::make_shared<run>(detail::broadcast_log<T>{capacity_}, detail::unused_run{unused_});
        };
        auto joined = upstream_->join(mine, !restarts_, make);
        return source{upstream_, std::move(joined), std::move(mine)};
    }

protected:
    // `up` is run once.
    template <class Owner, async_stream Up>
    shared_stream(Owner const& owner, Up&& up, queue_capacity lag)
        : capacity_{lag}, unused_{detail::unused_run::waits}, restarts_{false} {
        auto const upstream = begin();
        owner.start(detail::pull_once<run, detail::given_once<Up>>, detail::upstream_keeper<run>{upstream},
                    detail::given_once<Up>{std::move(up)});
    }
    // What `make` makes is run each time somebody begins to read.
    template <class Owner, class Make>
    shared_stream(Owner const& owner, Make&& make, queue_capacity lag, clock::duration may_be_idle)
        : capacity_{lag},
          unused_{may_be_idle > may_be_idle.zero() ? detail::unused_run::waits : detail::unused_run::is_stopped},
          restarts_{true} {
        auto const upstream = begin();
        owner.start(detail::pull_again_and_again<run, Make>, detail::upstream_keeper<run>{upstream}, std::move(make),
                    may_be_idle);
    }

private:
    auto begin() {
        auto upstream = std::make_shared<detail::shared_upstream<run>>();
        upstream_ = detail::user_of(upstream);
        return upstream;
    }

    std::shared_ptr<detail::shared_upstream<run>> upstream_;
    queue_capacity capacity_;
    detail::unused_run unused_;
    bool restarts_;
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

inline queue_capacity checked_lag(queue_capacity lag) {
    if (lag.size() == 0) {
        throw std::invalid_argument{"coir: readers of one stream may be apart by at least one element"};
    }
    return lag;
}

template <class Up, class Owner, class Capacity>
class broadcast_stage : public shared_stream<typename Up::value_type, typename Up::error_type> {
    using base = shared_stream<typename Up::value_type, typename Up::error_type>;

public:
    broadcast_stage(Up&& up, Owner owner, queue_capacity lag) : base{owner, std::move(up), lag} {}
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// `source | broadcast(s, lag)` -> shared_stream<T, E>, whose subscribe() gives a stream of all
// elements from then on, in order, each once. A fiber pulls `source`: one element whenever a reader
// that has read everything wants another, and not before. No reader is more than `lag` ahead of
// another; the fastest waits for the slowest. sliding(n) instead of a number drops the oldest for
// the slow ones, dropping(n) the new one for all.
//
// The end of the source, also its failure or defect, comes to every reader after what it has not
// read, when the source is closed. A reader that stops, fails or is interrupted just leaves, and
// holds back nobody any more. While nobody reads nothing is pulled. When the last reader and the
// last handle are gone the source is closed; the last reader's sink waits for that.
//
// It is closed at the latest by the end of the scope `s`, when the children of that have ended, or
// by the end of the current fiber where no scope is given; who reads elsewhere then ends as
// interrupted. To be called in the body or in a child of `s`.
//
// T is copied for all readers but the last one; one allocation per element. Throws
// std::invalid_argument for a lag of 0, not_in_a_fiber where there is neither scope nor fiber.
template <class S>
auto broadcast(scope<S>& s, queue_capacity lag) {
    return detail::make_stage<detail::broadcast_stage>(detail::owned_by_scope<S>{s}, detail::checked_lag(lag));
}
template <class S, std::integral N>
auto broadcast(scope<S>& s, N lag) {
    return streams::broadcast(s, bounded(lag));
}
inline auto broadcast(queue_capacity lag) {
    return detail::make_stage<detail::broadcast_stage>(detail::owned_by_fiber{}, detail::checked_lag(lag));
}
template <std::integral N>
auto broadcast(N lag) {
    return streams::broadcast(bounded(lag));
}

} // namespace coir::inline v0::streams
