// Sources that need nothing but values: iota, once, empty, never_ends, fail_with.
//
//     streams::concat(streams::once(header), streams::from(lines), streams::fail_with<std::string>(cut_off{}))
#pragma once

#include <coir/detail/single_wait.hpp>
#include <coir/stream/sources.hpp>

#include <iterator>
#include <ranges>
#include <utility>

namespace coir::inline v0::detail {

// Integers of different signedness have no common way to count.
template <class W, class Bound>
concept counts_up_to = requires(W const& w, Bound const& b) {
    { w == b } -> std::convertible_to<bool>;
} && (!std::integral<W> || (std::integral<Bound> && std::is_signed_v<W> == std::is_signed_v<Bound>));

template <class T>
class once_source : public plain_source {
public:
    using value_type = T;

    template <class U>
    explicit once_source(std::in_place_t, U&& value) : value_(std::in_place, std::forward<U>(value)) {}

    status poll_next(fiber_base&, std::optional<T>& out) {
        if (!value_) {
            return status::end;
        }
        out.emplace(std::move(*value_));
        value_.reset();
        return status::value;
    }

private:
    std::optional<T> value_;
};

template <class T>
class empty_source : public plain_source {
public:
    using value_type = T;
    status poll_next(fiber_base&, std::optional<T>&) noexcept { return status::end; }
};

// Waits for nothing, until it is given up.
template <class T>
class never_ending_source : public plain_source, private single_wait {
public:
    using value_type = T;

    status poll_next(fiber_base& f, std::optional<T>&) noexcept {
        auto const begin = [&] {
            f.begin_wait(this);
            return status::pending;
        };
        return poll_wait(f, begin, [] { return status::end; });
    }

private:
    void cancel(fiber_base& f) noexcept final { f.wake_cancelled(); }
    char const* what() const noexcept final { return "stream that never ends"; }
};

template <class T, class E>
class failing_source {
public:
    using value_type = T;
    using error_type = E;

    template <class G>
    explicit failing_source(std::in_place_t, G&& error) : error_(std::forward<G>(error)) {}

    status poll_next(fiber_base&, std::optional<T>&) noexcept { return status::failure; }
    status poll_close(fiber_base&) noexcept { return status::value; }
    E&& error() noexcept { return std::move(error_); }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    E error_;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// `first`, and what ++ makes of it, for ever. As with std::views::iota, counting past the greatest
// value of a type is the caller's mistake.
template <std::weakly_incrementable W>
    requires std::copy_constructible<W>
auto iota(W first) {
    return streams::from(std::views::iota(std::move(first)));
}

// From `first` up to, and without, `bound`, which ++ must reach. Nothing if an integer `first` is
// not below it.
template <std::weakly_incrementable W, class Bound>
    requires std::copy_constructible<W>
auto iota(W first, Bound bound) {
    static_assert(detail::counts_up_to<W, Bound>,
                  "coir: iota counts between integers that are both signed or both unsigned, or up to what == says");
    if constexpr (std::integral<W>) {
        bound = first < bound ? bound : static_cast<Bound>(first);
    }
    return streams::from(std::views::iota(std::move(first), std::move(bound)));
}

// One element.
template <class T>
auto once(T&& value) {
    COIR_CHECK_VALUE(T);
    return detail::once_source<detail::stored<T>>{std::in_place, detail::unwrap(std::forward<T>(value))};
}

// No element of type T.
template <class T>
auto empty() {
    return detail::empty_source<T>{};
}

// No element of type T, and no end either: whoever pulls it waits until it is interrupted.
template <class T>
auto never_ends() {
    return detail::never_ending_source<T>{};
}

// No element of type T, but the failure `e`.
template <class T, class E>
auto fail_with(E&& e) {
    COIR_CHECK_VALUE(E);
    return detail::failing_source<T, detail::stored<E>>{std::in_place, detail::unwrap(std::forward<E>(e))};
}

} // namespace coir::inline v0::streams
