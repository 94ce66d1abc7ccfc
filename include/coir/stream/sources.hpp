// Where elements come from.
//
//     co_await (coir::streams::from(names) | coir::streams::for_each(greet));
#pragma once

#include <coir/detail/kept_range.hpp>
#include <coir/detail/std/ranges.hpp>
#include <coir/stream/each.hpp>

#include <initializer_list>
#include <iterator>
#include <vector>

namespace coir::inline v0::detail {

// How an element leaves its range.
enum class element_is { copied, given, moved };

template <std::ranges::input_range R, element_is Element>
class range_source : public plain_source {
public:
    using value_type = std::ranges::range_value_t<R>;

    explicit range_source(R&& range) : range_(std::move(range)) {}
    range_source(range_source&& other) : range_(std::move(other.range_)) {} // before the first pull

    status poll_next(fiber_base&, std::optional<value_type>& out) {
        go_to_next();
        if (*at_ == std::ranges::end(range_)) {
            return status::end;
        }
        out.emplace(element(*at_));
        given_ = true;
        return status::value;
    }

    static constexpr bool asks = true;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base&, Give give) {
        go_to_next();
        loop_local<iterator> at{*at_};
        auto const end = std::ranges::end(range_);
        if constexpr (std::sized_sentinel_for<std::ranges::sentinel_t<R>, iterator>) {
            auto const left = end - *at; // the compiler can count the turns of the loop then
            bool const is_last = left < std::ranges::range_difference_t<R>{budget};
            unsigned const turns = is_last ? static_cast<unsigned>(left) : budget;
            for (unsigned n = 0; n != turns; ++n) {
                if (!wants_more(give) || !pass_one(*at, give)) {
                    return status::value;
                }
            }
            return is_last ? status::end : status::value;
        } else {
            for (unsigned n = 0; n != budget; ++n) {
                if (!wants_more(give)) {
                    break;
                }
                if (*at == end) {
                    return status::end;
                }
                if (!pass_one(*at, give)) {
                    break;
                }
            }
            return status::value;
        }
    }

private:
    using iterator = std::ranges::iterator_t<R>;

    // Only now: to get to the next element may be work, or take something from somewhere.
    void go_to_next() {
        if (!at_) {
            at_.emplace(std::ranges::begin(range_));
        } else if (given_) {
            given_ = false;
            ++*at_;
        }
    }
    static decltype(auto) element(iterator& at) {
        if constexpr (Element == element_is::copied) {
            auto const& x = *at;
            return static_cast<value_type>(x);
        } else if constexpr (Element == element_is::given) {
            return *at;
        } else {
            return std::ranges::iter_move(at);
        }
    }
    template <class Give>
    COIR_FUSED bool pass_one(iterator& at, Give& give) {
        value_type x(element(at));
        if (!give(std::move(x))) {
            given_ = true;
            return false;
        }
        ++at;
        return true;
    }

    R range_;
    std::optional<iterator> at_;
    bool given_ = false; // what is at at_
};

// A range with a name that can be read without taking anything from it.
template <class R>
concept copied_range = std::constructible_from<std::ranges::range_value_t<R>, std::ranges::range_reference_t<R>> &&
                       (!std::ranges::view<std::remove_cvref_t<R>> || std::copy_constructible<std::remove_cvref_t<R>>);

// The elements of a view may be somebody else's.
template <class R>
using owned_range_source = range_source<R, std::ranges::view<R> ? element_is::given : element_is::moved>;

// Elements of repeated operations that each give a std::optional, nothing being the end.
template <class Make>
class repeated_source {
    using op = operation_of<std::invoke_result_t<Make&>>;

public:
    using value_type = typename op::value_type::value_type;
    using error_type = typename op::error_type;

    explicit repeated_source(Make make) : make_{std::move(make)} {}
    repeated_source(repeated_source&& other) : make_{std::move(other.make_)} {} // between pulls

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (!running_) {
            running_.emplace(operation_from(make_()));
        }
        status const s = running_->poll(f);
        if (s == status::value) {
            detail::hand_over(out, running_->get());
            running_.reset();
            return out ? status::value : status::end;
        }
        return s;
    }
    status poll_close(fiber_base&) noexcept { return status::value; }

    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return running_->error();
    }
    std::exception_ptr defect() { return running_->defect(); }
    fiber_id interrupted_by() { return running_->interrupted_by(); }

private:
    Make make_;
    std::optional<op> running_;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The elements of a range: a container that is an rvalue is kept, and its elements are moved out;
// an lvalue is referred to and copied from, and so is what a view refers to.
template <std::ranges::input_range R>
auto from(R&& range) {
    COIR_CHECK_VALUE(R);
    if constexpr (std::is_lvalue_reference_v<R>) {
        static_assert(detail::copied_range<R>,
                      "coir: from copies the elements of a range that has a name; pass std::move(range) on");
        return detail::range_source<detail::kept_range<R>, detail::element_is::copied>{detail::keep_range(range)};
    } else {
        return detail::owned_range_source<R>{std::move(range)};
    }
}

template <class R>
    requires(!std::ranges::input_range<R> && !detail::is_moved<std::remove_cvref_t<R>>)
auto from(R&&) {
    static_assert(detail::fits<R>, "coir: from takes a range; one element is streams::once");
}

// A list in braces is gone before the stream is run, so its elements are copied.
template <class T>
auto from(std::initializer_list<T> elements) {
    return detail::owned_range_source<std::vector<T>>{std::vector<T>(elements)};
}

template <std::ranges::input_range R>
auto from(moved_callable<R> range) {
    return detail::owned_range_source<R>{range.unwrap()};
}

// What is popped from a queue, until it is closed and drained; its failure is the stream's. The
// queue outlives the stream. Several streams of one queue share its elements among them.
template <class Queue>
auto from_queue(Queue& queue) {
    static_assert(requires { queue.pop(); }, "coir: from_queue takes a queue, or another type with a pop to await");
    return detail::repeated_source{[q = &queue] { return q->pop(); }};
}

// What a subscription of a pubsub receives: one that has a name is referred to, and outlives the
// stream; a temporary is kept. Or a pubsub, which outlives the stream and is subscribed to when the
// first element is asked for: what is published before is missed.
template <class Source>
auto from_pubsub(Source&& source) {
    if constexpr (requires { source.subscribe(); }) {
        static_assert(std::is_lvalue_reference_v<Source>, "coir: the pubsub of a stream outlives it, so it has a name");
        auto next = [p = &source, s = std::optional<decltype(source.subscribe())>{}]() mutable {
            return (s ? *s : s.emplace(p->subscribe())).next();
        };
        return detail::repeated_source{std::move(next)};
    } else {
        static_assert(
            requires { source.next(); }, "coir: from_pubsub takes a pubsub, or what subscribe() of one returns");
        if constexpr (std::is_lvalue_reference_v<Source>) {
            return detail::repeated_source{[s = &source] { return s->next(); }};
        } else {
            return detail::repeated_source{[s = std::move(source)]() mutable { return s.next(); }};
        }
    }
}

} // namespace coir::inline v0::streams
