// The elements of several streams as they come.
//
//     keys | streams::merge(timer_ticks())                            // until both have ended
//     tokens | streams::merge(pings(), streams::ends_with::left)      // until the tokens have
//     streams::merge(a(), b(), c())
#pragma once

#include <coir/stream/common_element.hpp>
#include <coir/stream/concurrent/inlets.hpp>

namespace coir::inline v0::streams {

// Which of its two sides ends a merge: left is the one before the `|`.
enum class ends_with : unsigned char { both, either, left, right };

} // namespace coir::inline v0::streams

namespace coir::inline v0::detail {

template <class... Ups>
struct merge_state : inlets_state<Ups...> {
    merge_state(fiber_base& f, std::tuple<Ups...>& ups) : inlets_state<Ups...>{"a merge", f, ups} {}

    // After `from`, one of them, has ended.
    bool is_over(inlet_base const* from, streams::ends_with ends) const {
        bool const is_first = this->in.first_is(from);
        switch (ends) {
        case streams::ends_with::both: return this->in.all_of([](inlet_base const& side) { return side.has_ended(); });
        case streams::ends_with::either: return true;
        case streams::ends_with::left: return is_first;
        case streams::ends_with::right: return !is_first;
        }
        return true;
    }
};

template <class... Ups>
class merge_source : public inlets_stage<merge_state<Ups...>, Ups...> {
public:
    using value_type = typename common_element<typename Ups::value_type...>::type;

    explicit merge_source(streams::ends_with ends, Ups&&... ups)
        : inlets_stage<merge_state<Ups...>, Ups...>{std::move(ups)...}, ends_{ends} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        auto& state = this->started(f);
        for (;;) {
            inlet_base* from = nullptr;
            status const s = state.news.wait(state.scope, f, from);
            if (s != status::value) {
                return s;
            }
            if (from->has_element()) {
                state.visit(from, [&](auto& in) { in.take(out); });
                return status::value;
            }
            if (from->has_ended() && state.is_over(from, ends_)) {
                return status::end;
            }
        }
    }

private:
    streams::ends_with ends_;
};

// Classes, as an alias cannot be a template template argument of any arity.
template <class Up, class Other, class Ends>
class merge_stage : public merge_source<Up, Other> {
public:
    merge_stage(Up&& up, Other&& other, Ends ends) : merge_source<Up, Other>{ends, std::move(up), std::move(other)} {}
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// `a | merge(b)`: the elements of both, in the order in which they come; each side is pulled by a
// fiber of its own and is one element ahead at most. A failure of a side is the stream's at once:
// the other side is interrupted, and elements that were not taken are dropped. When the consumer
// stops or is interrupted, both sides are interrupted and closed before its result is seen.
template <class Other>
auto merge(Other&& other, ends_with ends = ends_with::both) {
    static_assert(async_stream<Other>, "coir: merge takes streams, as rvalues: merge(std::move(other))");
    return detail::make_stage<detail::merge_stage>(std::forward<Other>(other), ends);
}

// `merge(a, b, c)`: a source; ends when all have ended.
template <class A, class B, class... More>
    requires async_stream<std::remove_cvref_t<B>>
auto merge(A&& a, B&& b, More&&... more) {
    static_assert(async_stream<A> && async_stream<B> && (... && async_stream<More>),
                  "coir: merge takes streams, as rvalues: merge(std::move(a), ...)");
    return detail::merge_source<A, B, More...>{ends_with::both, std::move(a), std::move(b), std::move(more)...};
}

} // namespace coir::inline v0::streams
