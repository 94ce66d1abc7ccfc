// What a child of scope::fork_started is given, and how it says that it is ready.
//
//     coir::task<> serve(coir::started<int>& ready, address a) {
//         listener l = co_await listen(a);
//         ready(l.port());                     // who awaits s.fork_started(serve, a) goes on with it
//         co_await l.accept_for_ever();
//     }
#pragma once

#include <coir/deferred.hpp>
#include <coir/detail/invoke.hpp>

#include <stdexcept>

namespace coir::inline v0::detail {

template <class V, class T, class E, class Ended, class Work, class... Args>
class starting_fiber;

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// A child of fork_started ended without having said that it is ready.
class not_started : public std::logic_error {
public:
    not_started() : std::logic_error{"coir: the child ended without saying that it is ready"} {}
};

// Valid as long as the child runs. Any thread.
template <class V = void>
class started {
public:
    using value_type = V;

    started() = default;
    started(started const&) = delete;
    started& operator=(started const&) = delete;

    // Says that the child is ready, once, and hands over the value made from `args`. True: the
    // caller goes on with it, and the child is one like others from here on. False: it was said
    // before, or the caller, interrupted, has given up and waits for the child's end; `args` are
    // left alone. If making the value throws, that is the defect the caller sees.
    template <class... Args>
        requires detail::storable<V, Args...>
    bool operator()(Args&&... args) {
        return settle(word::said) && said_.complete(in_place_success, std::forward<Args>(args)...);
    }

private:
    template <class, class, class, class, class, class...>
    friend class detail::starting_fiber;

    // Which it is is known before the value is there: the end of the child does not wait for that.
    enum class word : unsigned char { open, said, taken_back };

    // True for the first. relaxed: nothing else is read or written on account of it.
    bool settle(word w) noexcept {
        word open = word::open;
        return word_.compare_exchange_strong(open, w, std::memory_order_relaxed);
    }
    bool is_said() const noexcept { return word_.load(std::memory_order_relaxed) == word::said; }
    bool take_back() noexcept {
        return settle(word::taken_back) && said_.complete_by([] { return outcome<V, never>::interrupted(fiber_id{}); });
    }

    detail::atomic<word> word_{word::open};
    detail::deferred_cell<V, never> said_; // interrupted: it will not be said any more
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// The type that a callable hands back, where its signature names it.
struct not_named {};

template <class Signature>
struct first_argument {
    using type = not_named;
};
template <class V>
struct first_argument<started<V>&> {
    using type = V;
};

template <class F>
struct handed_back {
    using type = not_named;
};
template <class R, class First, class... Rest>
struct handed_back<R (*)(First, Rest...)> : first_argument<First> {};
template <class R, class First, class... Rest>
struct handed_back<R (*)(First, Rest...) noexcept> : first_argument<First> {};
template <class R, class C, class First, class... Rest>
struct handed_back<R (C::*)(First, Rest...)> : first_argument<First> {};
template <class R, class C, class First, class... Rest>
struct handed_back<R (C::*)(First, Rest...) const> : first_argument<First> {};
template <class R, class C, class First, class... Rest>
struct handed_back<R (C::*)(First, Rest...) noexcept> : first_argument<First> {};
template <class R, class C, class First, class... Rest>
struct handed_back<R (C::*)(First, Rest...) const noexcept> : first_argument<First> {};
template <class F>
    requires requires { &F::operator(); }
struct handed_back<F> : handed_back<decltype(&F::operator())> {};
template <class F>
struct handed_back<std::reference_wrapper<F>> : handed_back<std::decay_t<F>> {};

template <class V, class Work>
using handed_back_t =
    typename std::conditional_t<std::same_as<V, not_named>, handed_back<Work>, std::type_identity<V>>::type;

template <class Work, class V, class... Args>
inline constexpr bool announced = requires(Work& w, started<V>& ready, Args&&... args) {
    { detail::invoke(w, ready, std::forward<Args>(args)...) } -> awaitable;
};
template <class Work, class... Args>
inline constexpr bool announced<Work, not_named, Args...> = false;

// A callable with its first argument.
template <class Work, class V>
class announced_work {
public:
    template <class W>
    announced_work(W&& w, started<V>& ready) : work_(std::forward<W>(w)), ready_{&ready} {}

    template <class... Args>
        requires std::invocable<Work&, started<V>&, Args...>
    decltype(auto) operator()(Args&&... args) {
        return detail::invoke(work_, *ready_, std::forward<Args>(args)...);
    }

private:
    Work work_;
    started<V>* ready_;
};

} // namespace coir::inline v0::detail
