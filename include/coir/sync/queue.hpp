// Values on their way from those who make them to those who use them, in order, with a bound.
//
//     coir::queue<job> jobs{coir::bounded(100)};
//     // producers:                                  // consumers:
//     co_await jobs.push(std::move(j));              while (auto j = co_await jobs.pop())
//     jobs.close();                                      co_await run(std::move(*j));
//
// Each element goes to one consumer; where all shall see it there is pubsub, for the latest
// value only there is watch.
#pragma once

#include <coir/detail/inline_closure.hpp>
#include <coir/detail/queue_pop.hpp>
#include <coir/detail/queue_push.hpp>
#include <coir/detail/std/ranges.hpp>
#include <coir/sync/queue_capacity.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace coir::inline v0 {

// T: an object type whose move constructor does not throw. E: how the queue can fail.
//
// Not movable. Any number of producers and consumers, on any thread, coroutine or not. Elements
// come out in the order in which they were accepted; waiting pushes and pops are served first
// come, first served, nobody overtakes them, and each goes on on its own scheduler. A push or pop
// that is interrupted (or times out) had no effect at all; one that had an effect completes.
// Waiting allocates nothing. Every operation is O(1) amortised, the batch forms in their batch.
//
// The queue ends by close(), fail() or shutdown(), whichever is first. The destructor shuts it
// down: who waits then goes on, told that it is closed. Whoever was served, told of the end, or
// interrupted before may still be on its way and does not touch the queue any more; but nobody
// may begin an operation then.
template <class T, class E = never>
class queue {
    static_assert(std::is_object_v<T> && std::is_nothrow_move_constructible_v<T>,
                  "coir: elements of a queue are moved under a lock, so that must not throw; use std::unique_ptr<T>");
    using core = detail::queue_core<T, E>;

public:
    using value_type = T;
    using error_type = E;

    explicit queue(queue_capacity capacity) noexcept : core_{capacity} {}
    template <std::integral N>
    explicit queue(N) : queue{unbounded()} {
        static_assert(detail::fits<N>,
                      "coir: the capacity of a queue is bounded(n), unbounded(), dropping(n) or sliding(n)");
    }
    queue(queue const&) = delete;
    queue& operator=(queue const&) = delete;

    // `co_await q.push(v)` -> push_status: accepted, dropped or closed. Waits for room. An
    // rvalue is moved from when it is accepted, and not at all if it is not, so await the push in
    // the expression that makes it. A failing allocation is a defect.
    template <class U = T>
    auto push(U&& value COIR_LIFETIMEBOUND) {
        static_assert(std::constructible_from<T, U> || detail::is_moved<std::remove_cvref_t<U>>,
                      "coir: push takes what an element of the queue is made from");
        COIR_CHECK_VALUE(U);
        using given = decltype(detail::unwrap(std::forward<U>(value)));
        if constexpr (std::is_same_v<given, T&&>) {
            return detail::queue_push<T, E>{core_, detail::unwrap(std::forward<U>(value))};
        } else {
            return detail::queue_push<T, E>{core_, std::in_place, detail::unwrap(std::forward<U>(value))};
        }
    }

    // The same with an element made from `args`, which lives in the operation until then.
    template <class... Args>
        requires std::constructible_from<T, Args...>
    auto emplace(Args&&... args) {
        COIR_CHECK_VALUES(Args);
        return detail::queue_push<T, E>{core_, std::in_place, std::forward<Args>(args)...};
    }

    // Never waits: `full` where push would. Moves from an rvalue only if it is accepted.
    // Throws what copying and allocating throw.
    push_status try_push(T&& value) { return core_.try_push(value); }
    push_status try_push(T const& value)
        requires std::copy_constructible<T>
    {
        T copy(value);
        return core_.try_push(copy);
    }

    // `co_await q.push_all(range)` -> how many were accepted. Pushes one after the other, others
    // may come between; stops when the queue is closed. Interrupted, what was accepted stays.
    // A container given as rvalue is moved in with its elements, otherwise elements are copied.
    template <class R>
        requires std::ranges::input_range<detail::passed<R>> &&
                 std::constructible_from<T, detail::pushed_element<detail::passed<R>>>
    auto push_all(R&& range) {
        COIR_CHECK_VALUE(R);
        return detail::queue_push_all<T, E, detail::passed<R>>{core_, detail::unwrap(std::forward<R>(range))};
    }

    // `co_await q.pop()` -> std::optional<T>; nothing: closed and drained. With fail(e): ends as
    // failure e once it is drained, as do the forms below.
    auto pop() { return detail::queue_pop<detail::take_one<T, E>>{core_}; }

    COIR_UNINITIALIZED_GUESSES_OFF
    // Never waits, never overtakes: nothing also while others wait. Does not tell of failure.
    std::optional<T> try_pop() {
        detail::take_one<T, E> one;
        core_.try_pop(one);
        return one.taken();
    }
    COIR_UNINITIALIZED_GUESSES_ON

    // `co_await` -> std::vector<T>: up to `n` elements, or all, of those that are there; of a
    // rendezvous, those of pushes that wait. They do not wait themselves.
    template <std::integral N>
    auto pop_up_to(N n) {
        return pop_many(0, detail::clamped_count(n));
    }
    auto pop_all() { return pop_many(0, static_cast<std::size_t>(-1)); }

    // Waits until `least` elements are there (fewer once the queue is closed), and takes up to
    // `most`. Empty at once if `most` is less than `least` or than 1. Who waits for more than the
    // capacity makes room for them meanwhile; interrupted, it leaves them in the queue.
    template <std::integral N, std::integral M>
    auto pop_between(N least, M most) {
        std::size_t const low = detail::clamped_count(least);
        std::size_t const high = detail::clamped_count(most);
        return high < low ? pop_many(0, 0) : pop_many(low, high);
    }

    // A copy of what pop would give, which stays in; made while the queue is locked, so copying
    // must not use the queue. Does not see what waiting pushes bring.
    std::optional<T> peek() const
        requires std::copy_constructible<T>
    {
        return core_.look([](auto const& items, bool) {
            return items.empty() ? std::nullopt : std::optional<T>{std::in_place, items.front()};
        });
    }

    // Nothing is accepted any more. What is in it and what pushes that wait bring is delivered,
    // then pops get nothing. True: it was open.
    bool close() noexcept { return core_.close(); }

    // As close(), but then every pop ends as failure E made from `args`. True: it was open; an
    // ended queue keeps its end.
    template <class... Args>
        requires(!std::same_as<E, never>) && std::constructible_from<E, Args...>
    bool fail(Args&&... args) {
        return core_.close(std::make_shared<E const>(std::forward<Args>(args)...));
    }

    // Closes it now: drops what is in it and says how many elements that were. Waiting pops get
    // nothing, waiting pushes `closed`.
    std::size_t shutdown() noexcept { return core_.shutdown(); }

    bool is_closed() const noexcept {
        return core_.look([](auto const&, bool closed) { return closed; });
    }

    // `co_await q.drained()`: until it is closed, and nothing is in it or waits to come in.
    auto drained() { return detail::queue_drained<T, E>{core_}; }

    // How many elements are in it, as a snapshot; without those of pushes that wait.
    std::size_t size() const noexcept {
        return core_.look([](auto const& items, bool) { return items.size(); });
    }

private:
    auto pop_many(std::size_t least, std::size_t most) {
        return detail::queue_pop<detail::take_many<T, E>>{core_, least, most};
    }

    core core_;
};

} // namespace coir::inline v0
