// What a stream is: a state machine that is polled for its next element.
//
//     struct countdown {                                   // a stream in ten lines
//         using value_type = int;
//         using error_type = coir::never;
//         streams::status poll_next(streams::context&, std::optional<int>& out) {
//             return n-- > 0 ? (out = n, streams::status::value) : streams::status::end;
//         }
//         streams::status poll_close(streams::context&) { return streams::status::value; }
//         int n = 3;
//     };
//
// poll_next: pending, unwind or call as in an operation; value: the element is in `out`, which
// means nothing else; end, or how else it ended, and then it is only closed. What it throws is a
// defect. A stage that waits is polled again and goes on where it stopped.
// poll_close: called once the pulls are over, masked, until it says value (or defect: a
// finalizer threw). A stage closes what is above it before it runs a finalizer of its own.
// defect(): asked for right after the poll that said so; from the first poll_close on it is that
// of the closing. error() and interrupted_by() are asked for after the closing.
// A stream may be moved between two pulls, not within one.
//
// poll_each, which a stream may have, is the fast way: see each.hpp.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/operation.hpp>

#include <coir/detail/inline_closure.hpp>
#include <coir/detail/pack.hpp>

#include <concepts>
#include <optional>

namespace coir::inline v0::detail {

template <class S>
concept polled_stream = requires(S& s, fiber_base& f, std::optional<typename S::value_type>& out) {
    typename S::error_type;
    { s.poll_next(f, out) } -> std::same_as<status>;
    { s.poll_close(f) } -> std::same_as<status>;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// Not of a reference to one. Movability comes last: to ask it of a type that is no stream at all
// could ask this again.
template <class S>
concept async_stream = detail::polled_stream<S> && std::move_constructible<S>;

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// How many elements may pass without a suspension: a source that never suspends must neither
// starve other fibers nor outrun who stops it.
inline constexpr unsigned budget = 1024;

// `out` gets what the optional `from` has, or nothing. An element need not be assignable.
template <class T, class From>
void hand_over(std::optional<T>& out, From&& from) {
    out.reset();
    if (from) {
        out.emplace(*std::forward<From>(from));
    }
}

// What a pull that has used up the budget ends its poll with: others run, then it goes on.
inline status rest(fiber_base& f) noexcept {
    if (f.cancel_requested()) {
        return status::cancelled;
    }
    f.begin_wait(nullptr);
    f.requeue();
    return status::pending;
}

// Base of a stream without resources and without ends other than `end`.
class plain_source {
public:
    using error_type = never;
    status poll_close(fiber_base&) noexcept { return status::value; }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }
};

// Base of a stage over one stream, which ends and closes as that does.
template <async_stream Up>
class stage {
public:
    using value_type = typename Up::value_type;
    using error_type = typename Up::error_type;

    explicit stage(Up&& up) : up_{std::move(up)} {}

    status poll_close(fiber_base& f) { return up_.poll_close(f); }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return up_.error();
    }
    std::exception_ptr defect() { return up_.defect(); }
    fiber_id interrupted_by() { return up_.interrupted_by(); }

protected:
    Up up_;
};

// `stream | closure`: Make<Up>(up, args...) is the stage or sink.
template <template <class...> class Stage, class... Args>
class stage_closure {
public:
    template <class... As>
    explicit stage_closure(std::in_place_t, As&&... args) : args_(std::in_place, std::forward<As>(args)...) {}

    template <class Up>
        requires async_stream<Up>
    [[nodiscard("it does nothing until it is awaited, or has a sink that is")]] friend auto
    operator|(Up&& up, stage_closure&& self) {
        return self.args_.apply([&](Args&... args) { return Stage<Up, Args...>{std::move(up), std::move(args)...}; });
    }

    // One that has a name may be used again: a copy is.
    template <class Up>
        requires async_stream<Up>
    [[nodiscard("it does nothing until it is awaited, or has a sink that is")]] friend auto
    operator|(Up&& up, stage_closure const& self) {
        constexpr bool can_be_copied = (std::copy_constructible<Args> && ...);
        static_assert(can_be_copied, "coir: this operator holds what cannot be copied, so it is used once, as an "
                                     "rvalue: stream | std::move(op)");
        if constexpr (can_be_copied) {
            return std::move(up) | stage_closure{self};
        }
    }

    template <class Up>
        requires(!async_stream<Up> && !awaitable<Up>)
    friend auto operator|(Up&& up, stage_closure const&) {
        static_assert(!async_stream<std::remove_cvref_t<Up>>,
                      "coir: a pipeline is passed on as an rvalue: std::move(pipeline) | ...");
        static_assert(async_stream<std::remove_cvref_t<Up>>,
                      "coir: this is no stream; begin with streams::from or another source");
        return std::forward<Up>(up);
    }

    // For a name that means something for an awaitable too: f(args...).
    template <class F>
    decltype(auto) pass_to(F&& f) && {
        return args_.apply([&](Args&... args) -> decltype(auto) { return f(std::move(args)...); });
    }

private:
    COIR_NO_UNIQUE_ADDRESS pack<Args...> args_;
};

template <template <class...> class Stage, class... Args>
stage_closure<Stage, stored<Args>...> make_stage(Args&&... args) {
    return stage_closure<Stage, stored<Args>...>{std::in_place, unwrap(std::forward<Args>(args))...};
}

} // namespace coir::inline v0::detail

// For streams and operators of one's own; docs/guide/streams.md shows one.
namespace coir::inline v0::streams {

using context = detail::fiber_base; // the fiber that pulls
using detail::budget;
using detail::make_stage;
using detail::plain_source;
using detail::rest;
using detail::stage;
using detail::status;

} // namespace coir::inline v0::streams
