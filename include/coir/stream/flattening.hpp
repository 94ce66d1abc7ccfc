// A stream for each element, one after the other: flat_map, join.
//
//     paths | streams::flat_map(read_lines) | streams::for_each(print)
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/std/ranges.hpp>
#include <coir/stream/applying.hpp>
#include <coir/stream/enclosed.hpp>
#include <coir/stream/sources.hpp>

#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

// What can stand for a stream: one, or a range.
template <class S>
concept stream_like =
    (!std::is_lvalue_reference_v<S> && async_stream<std::remove_cvref_t<S>>) || std::ranges::input_range<S>;

template <stream_like S>
auto stream_from(S&& s) {
    if constexpr (async_stream<std::remove_cvref_t<S>>) {
        return std::move(s);
    } else {
        return streams::from(std::forward<S>(s));
    }
}

// The stream that F makes of a T.
template <class F, class T>
using stream_made_by = decltype(detail::stream_from(std::declval<std::invoke_result_t<F&, T>>()));

template <class F, class T>
concept makes_stream = std::invocable<F&, T> && stream_like<std::invoke_result_t<F&, T>>;

// An inner stream is closed before upstream is pulled again. The element of which it was made
// stays here as long, so the function may refer to it.
template <class Up, class F>
class flat_map_stage {
    using element = typename Up::value_type;
    static_assert(makes_stream<F, element>, "coir: flat_map takes a function of one element that returns a stream or a "
                                            "range; of join, each element is one");
    using inner = stream_made_by<F, element>;

public:
    using value_type = typename inner::value_type;
    using error_type = errors<typename Up::error_type, typename inner::error_type>;

    flat_map_stage(Up&& up, F&& f) : up_{std::move(up)}, f_(std::move(f)) {}
    flat_map_stage(flat_map_stage&& other) : up_{std::move(other.up_)}, f_(std::move(other.f_)) {} // before it begins

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        for (;;) {
            if (status const s = reach_inner(f); s != status::value) {
                return s;
            }
            if (status const s = inner_->poll_next(f, out); s != status::end) {
                return s;
            }
            at_ = place::closing;
        }
    }
    static constexpr bool asks = is_asked<inner>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        unsigned given = 0; // by all inner streams of this call
        auto pass = [&](value_type&& x) COIR_FUSED_LAMBDA { return give(std::move(x)) && ++given != budget; };
        for (;;) {
            if (!wants_more(give)) { // an inner stream may be empty, and ask nothing
                return status::value;
            }
            if (status const s = reach_inner(f); s != status::value) {
                return s;
            }
            if (status const s = pull_each(inner_->stream(), f, giving(give, pass)); s != status::end) {
                return s;
            }
            at_ = place::closing;
        }
    }
    status poll_close(fiber_base& f) {
        closing_ = true;
        if (inner_) {
            status const s = closings_.poll(f, *inner_);
            if (s != status::value) {
                return s;
            }
        }
        status const s = closings_.poll(f, up_);
        return s == status::value ? closings_.end() : s;
    }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return inner_ ? error_as<error_type>(inner_->stream()) : error_as<error_type>(up_.stream());
    }
    std::exception_ptr defect() {
        if (closing_) {
            return closings_.thrown();
        }
        switch (at_) {
        case place::outer: break;
        case place::inner: return inner_->stream().defect();
        case place::closing: return inner_->thrown();
        }
        return up_.stream().defect();
    }
    fiber_id interrupted_by() { return inner_ ? inner_->stream().interrupted_by() : up_.stream().interrupted_by(); }

private:
    enum class place : unsigned char { outer, inner, closing };

    // value: there is an inner stream to pull.
    status reach_inner(fiber_base& f) {
        if (at_ == place::closing) {
            status const s = inner_->close(f);
            if (s != status::value) {
                return s;
            }
            inner_.reset();
            element_.reset();
            at_ = place::outer;
            if (++passed_ == budget) {
                passed_ = 0;
                return rest(f);
            }
        }
        if (at_ == place::outer) {
            status const s = up_.poll_next(f, element_);
            if (s != status::value) {
                return s;
            }
            inner_.emplace(detail::stream_from(detail::invoke(f_, std::move(*element_))));
            at_ = place::inner;
        }
        return status::value;
    }

    enclosed<Up> up_;
    F f_;
    std::optional<element> element_;
    std::optional<enclosed<inner>> inner_;
    closing_in_turn closings_;
    unsigned passed_ = 0;
    place at_ = place::outer;
    bool closing_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The elements of the stream, or range, that `f(element)` returns, for one element after the other.
// It is closed before the next element is pulled; the element lives as long as it does. A failure
// of either is that of the whole.
template <class F>
auto flat_map(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::flat_map_stage>(std::forward<F>(f));
}

// The elements of the elements, which are streams or ranges, one after the other.
inline auto join() { return detail::make_stage<detail::flat_map_stage>(detail::identity{}); }

} // namespace coir::inline v0::streams
