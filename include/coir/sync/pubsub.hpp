// One sender's values to all who listen: every subscriber gets every value from the moment it
// subscribed.
//
//     coir::pubsub<event> events{coir::bounded(16)};
//     auto mine = events.subscribe();                       // a listener; leaves at its end
//     while (auto e = co_await mine.next()) show(*e);
//
//     co_await events.publish(e);                           // waits for the slowest listener
//
// Use queue where each value is for one consumer, watch where only the latest counts.
#pragma once

#include <coir/detail/inline_closure.hpp>
#include <coir/detail/pubsub_ops.hpp>
#include <coir/sync/queue_capacity.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace coir::inline v0 {

// How many of the last values a new subscriber gets first.
class replay_window {
public:
    constexpr explicit replay_window(std::size_t size) noexcept : size_{size} {}
    constexpr std::size_t size() const noexcept { return size_; }

private:
    std::size_t size_;
};

// Negative: std::invalid_argument.
template <std::integral N>
constexpr replay_window replay(N n) {
    return replay_window{detail::checked_count(n)};
}

// A place in the stream of values of a pubsub, held as long as it lives. Movable; an empty one
// may only be assigned and destroyed. It may outlive the pubsub. next() may be awaited by
// several fibers, which then share the values. Destroying it ends them (nothing), and nobody may
// begin to wait then.
template <class T>
class subscription {
public:
    using value_type = T;

    subscription(subscription&&) noexcept = default;
    subscription& operator=(subscription&& other) noexcept {
        subscription old{std::exchange(state_, std::move(other.state_))};
        return *this;
    }
    ~subscription() {
        if (state_ != nullptr) {
            state_->hub->unsubscribe(state_->place);
        }
    }

    // `co_await s.next()` -> std::optional<T>; nothing: the pubsub ended. A copy of the shared
    // value, or, for the last to read it, the value itself. Interrupted, it has taken nothing.
    auto next() { return detail::pubsub_next<T>{*state_->hub, state_->place}; }

    // Never waits. Nothing: there is none just now, or it ended. Throws what copying throws.
    std::optional<T> try_next() { return detail::copy_of(state_->hub->try_read(state_->place)); }

    // How many values are there for next(), as a snapshot.
    std::size_t size() const noexcept { return state_->hub->unread(state_->place); }

private:
    template <class>
    friend class pubsub;
    // The hub lives as long as somebody subscribes.
    struct state {
        std::shared_ptr<detail::pubsub_hub<T>> hub;
        detail::subscriber<T> place{};
    };

    explicit subscription(std::unique_ptr<state> s) noexcept : state_{std::move(s)} {}

    std::unique_ptr<state> state_;
};

// T: an object type that can be copied, and whose move constructor does not throw; for what is
// dear to copy, a std::shared_ptr to it. A value is allocated once and shared by all.
//
// Not movable. Everything may be called from any thread. `capacity` is how far the slowest
// subscriber may lag: when it does, bounded makes publish wait, dropping drops the new value for
// all, sliding the oldest for those that have not read it. Without subscribers nothing is stored
// (but for replay) and publish never waits. Values that are replayed do not count. Publishing is
// O(subscribers that wait), reading O(1).
//
// It ends by close() or shutdown(); the destructor shuts it down. Nobody may begin an operation
// of it then.
template <class T>
class pubsub {
    static_assert(std::is_object_v<T> && std::copy_constructible<T> && std::is_nothrow_move_constructible_v<T>,
                  "coir: every subscriber gets a copy, and moving must not throw; use std::shared_ptr<T const>");
    using hub = detail::pubsub_hub<T>;

public:
    using value_type = T;

    // Throws std::invalid_argument for a capacity of 0: there is no rendezvous with all.
    explicit pubsub(queue_capacity capacity, replay_window window = replay_window{0})
        : hub_{std::make_shared<hub>(not_zero(capacity), window.size())} {}
    pubsub(pubsub const&) = delete;
    pubsub& operator=(pubsub const&) = delete;
    ~pubsub() {
        hub_->shutdown();
        hub_->await_cancellers();
    }

    // `co_await p.publish(v)` -> push_status: accepted, dropped or closed. An rvalue is moved
    // from when it is accepted, and not at all if it is not, so await the operation in the
    // expression that makes it. Interrupted, it has published nothing.
    template <class U = T>
        requires std::constructible_from<T, U> || detail::is_moved<std::remove_cvref_t<U>>
    auto publish(U&& value COIR_LIFETIMEBOUND) {
        COIR_CHECK_VALUE(U);
        return detail::pubsub_publish<T>{*hub_, message(std::forward<U>(value))};
    }

    // Never waits: `full` where publish would.
    template <class U = T>
        requires std::constructible_from<T, U>
    push_status try_publish(U&& value) {
        auto m = message(std::forward<U>(value));
        return hub_->try_publish(m);
    }

    // What is published from now on, after what is replayed. O(replayed), allocates.
    [[nodiscard("the subscription lasts as long as what this returns")]] subscription<T> subscribe() {
        using state = typename subscription<T>::state;
        auto s = std::make_unique<state>(state{hub_});
        hub_->subscribe(s->place);
        return subscription<T>{std::move(s)};
    }

    // Nothing is accepted any more. Subscribers get what they have not read, and what waits to be
    // published, and then nothing. True: it was open.
    bool close() noexcept { return hub_->close(); }

    // Ends it now: drops what somebody has not read and says how many values that were.
    // Subscribers get nothing any more, waiting publishers `closed`.
    std::size_t shutdown() noexcept { return hub_->shutdown(); }

    bool is_closed() const noexcept { return hub_->is_closed(); }
    // How many values somebody has still to read, and how many subscribe; snapshots.
    std::size_t size() const noexcept { return hub_->size(); }
    std::size_t subscriber_count() const noexcept { return hub_->subscribers(); }

private:
    static queue_capacity not_zero(queue_capacity c) {
        if (c.size() == 0) {
            throw std::invalid_argument{"coir: the capacity of a pubsub is at least 1"};
        }
        return c;
    }

    template <class U>
    static detail::sealed_message<T> message(U&& value) {
        using given = decltype(detail::unwrap(std::forward<U>(value)));
        if constexpr (std::is_same_v<given, T&&>) {
            return detail::sealed_message<T>{detail::unwrap(std::forward<U>(value))};
        } else {
            return detail::sealed_message<T>{std::in_place, detail::unwrap(std::forward<U>(value))};
        }
    }

    std::shared_ptr<hub> hub_;
};

} // namespace coir::inline v0
