// What another library reports by calling back, again and again, as a stream.
//
//     auto listen = [&](coir::emitter<reading, bus_error> to) {
//         int const id = bus.subscribe([to](reading r) { to.emit(r); },     // on any thread
//                                      [to](int code) { to.fail(code); });
//         return [&bus, id] { bus.unsubscribe(id); };                       // the cleanup
//     };
//     co_await (coir::streams::from_callback<reading, bus_error>(coir::bounded(64), listen)
//               | coir::streams::for_each(show));
//
// The library is registered with at the first pull. However the stream ends, the cleanup runs
// once, masked, before the sink's result is seen. For a callback that is called once there is
// coir::from_callback in <coir/interop/from_callback.hpp>.
#pragma once

#include <coir/detail/canceller.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/stream/concept.hpp>
#include <coir/sync/queue.hpp>

#include <memory>

namespace coir::inline v0::detail {

// Shared by the stream and its emitters, whichever lives longer.
template <class T, class E>
struct emitted {
    explicit emitted(queue_capacity c) noexcept : elements{c} {}

    // All emitters are gone: nobody is left who could end it.
    void give_up() noexcept {
        if (!elements.is_closed()) {
            abandoned = true; // who sees that it is closed sees this too
            elements.close();
        }
    }

    queue<T, outcome<void, E>> elements; // then, if it was not just closed, how it ended
    bool abandoned = false;
};

// An awaited emit keeps the emitter: it may be the last.
template <class T, class E>
class [[nodiscard("it does nothing until it is awaited")]] emitting {
    using push = decltype(std::declval<queue<T, outcome<void, E>>&>().push(std::declval<T>()));

public:
    using value_type = push_status;
    using error_type = never;

    emitting(std::shared_ptr<emitted<T, E>> to, push&& p) : to_{std::move(to)}, push_{std::move(p)} {}

    status poll(fiber_base& f) { return push_.poll(f); }
    push_status get() { return push_.get(); }
    std::exception_ptr defect() { return push_.defect(); }
    fiber_id interrupted_by() { return push_.interrupted_by(); }

private:
    std::shared_ptr<emitted<T, E>> to_;
    push push_;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// The writing end of streams::from_callback. Copies write to the same stream; they may be kept as
// long as one likes, also when the stream is gone. Every function may be called from any thread,
// coroutine or not, also during the registration; what is emitted after the end, or when the
// consumer has stopped, is refused as `closed`, and not moved from. When the last copy goes away
// without end(), fail() or die(), the stream ends as interrupted after what was emitted: nobody is
// left who could end it.
template <class T, class E = never>
class emitter {
public:
    using value_type = T;
    using error_type = E;

    // Never waits -> push_status, true in a condition: accepted. If the stream is full: `full` of
    // bounded(n), `dropped` of dropping(n); sliding(n) accepts it and drops the oldest. What was
    // not accepted is not moved from. Throws what copying and allocating throw.
    push_status emit(T&& element) const { return to_->elements.try_push(std::move(element)); }
    push_status emit(T const& element) const
        requires std::copy_constructible<T>
    {
        return to_->elements.try_push(element);
    }

    // `co_await to.emit_when_free(element)` -> accepted, dropped or closed: where the producer is a
    // fiber, it waits for room. Await it in the expression that makes it. Interrupted, it has
    // emitted nothing.
    template <class U = T>
        requires std::constructible_from<T, U> || detail::is_moved<std::remove_cvref_t<U>>
    auto emit_when_free(U&& element COIR_LIFETIMEBOUND) const {
        COIR_CHECK_VALUE(U);
        return detail::emitting<T, E>{to_, to_->elements.push(std::forward<U>(element))};
    }

    // No further element. What was emitted is still delivered. True: this call ended it.
    bool end() const noexcept { return to_->elements.close(); }

    // The same, and then the stream fails with E made from `args`.
    template <class... Args>
    bool fail(Args&&... args) const {
        static_assert(std::constructible_from<E, Args...>,
                      "coir: the E of this emitter is not made from these arguments; with never it cannot fail");
        return to_->elements.fail(in_place_failure, std::forward<Args>(args)...);
    }

    // The same with an exception: a defect.
    bool die(std::exception_ptr thrown) const { return to_->elements.fail(outcome<void, E>::died(std::move(thrown))); }

    // Nothing is accepted any more: it was ended, or the consumer has stopped.
    bool is_closed() const noexcept { return to_->elements.is_closed(); }

    // For the library.
    explicit emitter(std::shared_ptr<detail::emitted<T, E>> to) noexcept : to_{std::move(to)} {}

private:
    std::shared_ptr<detail::emitted<T, E>> to_;
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

template <class T, class E, class F>
class callback_source {
    using returned = std::invoke_result_t<F&, emitter<T, E>>;
    using canceller = canceller_of<returned>;
    static constexpr bool has_canceller = !std::is_void_v<returned>;
    static_assert(is_canceller<canceller>, "coir: the registration returns void, or a cleanup: a callable without "
                                           "arguments that returns void or a task<void, never>");
    using pop = decltype(std::declval<queue<T, outcome<void, E>>&>().pop());

public:
    using value_type = T;
    using error_type = E;

    template <class G>
    callback_source(queue_capacity capacity, G&& registration)
        : register_(std::forward<G>(registration)), capacity_{capacity} {}
    callback_source(callback_source&&) = default; // between pulls

    status poll_next(fiber_base& f, std::optional<T>& out) {
        if (!shared_) {
            if (f.cancel_requested()) {
                return status::cancelled;
            }
            begin();
        }
        if (!waiting_) {
            waiting_.emplace(shared_->elements.pop());
        }
        status const s = waiting_->poll(f);
        if (s == status::value) {
            detail::hand_over(out, waiting_->get());
            waiting_.reset();
            return out ? status::value : shared_->abandoned ? status::interrupted : status::end;
        }
        if (s == status::failure) {
            end_ = &waiting_->error();
            return status_of(end_->kind());
        }
        return s;
    }

    // Emits are refused before the cleanup runs, which may wait for who emits.
    status poll_close(fiber_base& f) {
        if (shared_) {
            shared_->elements.shutdown();
        }
        if constexpr (has_canceller) {
            if (cleanup_) {
                closing_ = true;
                return cleanup_->poll(f);
            }
        }
        return status::value;
    }

    E const& error() const
        requires(!std::same_as<E, never>)
    {
        return end_->error();
    }
    std::exception_ptr defect() {
        if constexpr (has_canceller) {
            if (closing_) {
                return cleanup_->defect();
            }
        }
        return end_ != nullptr ? end_->defect() : waiting_->defect();
    }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    // What the registration throws is the stream's defect; then there is nothing to clean up.
    void begin() {
        shared_ = std::make_shared<emitted<T, E>>(capacity_);
        auto const give_up = [keep = shared_](emitted<T, E>*) noexcept { keep->give_up(); };
        emitter<T, E> to{std::shared_ptr<emitted<T, E>>{shared_.get(), give_up}};
        if constexpr (has_canceller) {
            cleanup_.emplace(canceller_finalizer<canceller>{detail::invoke(register_, std::move(to))});
        } else {
            detail::invoke(register_, std::move(to));
        }
    }

    F register_;
    queue_capacity capacity_;
    std::shared_ptr<emitted<T, E>> shared_;
    std::optional<pop> waiting_;
    std::optional<typename finalizing_canceller<canceller>::type> cleanup_;
    outcome<void, E> const* end_ = nullptr; // what the emitter said, if not just end()
    bool closing_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The elements that are emitted to `registration(emitter<T, E>)`, which is called in the fiber
// that pulls, at the first pull. `capacity` is how much may wait to be pulled, and what happens
// to more: bounded(n) refuses it, or makes the producer wait; dropping(n) drops it; sliding(n)
// drops the oldest; unbounded().
//
// The registration returns void, or a cleanup: a callable without arguments that returns void or
// a task<void, never>. It runs once when the stream ends, however it does, after emits are
// refused; its exception is the stream's defect, or else among the suppressed(). A fiber that is
// interrupted stops at once, and what was not pulled is dropped. An element allocates nothing once
// the queue has grown; the start makes three allocations.
template <class T, class E = never, class F>
auto from_callback(queue_capacity capacity, F&& registration) {
    COIR_CHECK_CLOSURE(F);
    constexpr bool fits = std::invocable<detail::stored<F>&, emitter<T, E>>;
    static_assert(fits, "coir: the registration of a stream of callbacks takes a coir::emitter<T, E>");
    if constexpr (fits) {
        return detail::callback_source<T, E, detail::stored<F>>{capacity,
                                                                detail::unwrap(std::forward<F>(registration))};
    }
}

template <class T, class E = never, std::integral N, class F>
auto from_callback(N, F&& registration) {
    static_assert(detail::fits<N>,
                  "coir: the capacity of a stream of callbacks is bounded(n), unbounded(), dropping(n) or sliding(n)");
    return streams::from_callback<T, E>(unbounded(), std::forward<F>(registration));
}

} // namespace coir::inline v0::streams
