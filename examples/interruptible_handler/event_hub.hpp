// Every subscriber sees every event from its subscription on, in order.
//
//   chat::event_hub<event> hub(options);
//   auto events = hub.subscribe();
//   co_await hub.publish(delta, still_wanted);      // waits while a subscriber is full
//   hub.publish_now(completed);                     // never waits: room is reserved
//   while (auto e = co_await events.next()) show(*e);
//
// A subscriber that does not read holds up publish() for the stated patience and is then dropped:
// it still gets what it was sent, and then the end.
#pragma once

#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/sync/queue.hpp>
#include <coir/task.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace chat {

struct hub_options {
    std::size_t capacity = 256;                          // unread events at which publish() waits
    std::size_t reserved = 64;                           // further room, for publish_now()
    std::chrono::milliseconds patience{10'000};          // how long one full subscriber may hold up publish()
    std::function<void(std::string_view)> on_diagnostic; // called by whoever publishes
};

template <class Event>
class event_hub {
    struct mailbox {
        coir::queue<Event> events{coir::unbounded()};
        std::size_t unread = 0; // under the hub's lock
        bool dropped = false;   // under the hub's lock
    };

    struct shared {
        explicit shared(hub_options o) : options(std::move(o)) {}

        hub_options options;
        std::mutex lock;
        std::vector<std::shared_ptr<mailbox>> mailboxes;
        coir::shared_deferred<> room; // completed when a full mailbox is so no more
        bool closed = false;
    };

public:
    // One reader of the events. Leaving frees those it held up.
    class subscription {
    public:
        subscription(std::shared_ptr<shared> hub, std::shared_ptr<mailbox> box)
            : hub_(std::move(hub)), box_(std::move(box)) {}
        subscription(subscription&&) noexcept = default;
        subscription& operator=(subscription&&) = delete;
        ~subscription() {
            if (box_) {
                leave();
            }
        }

        // The next event; nothing after the hub was closed, or this subscriber dropped.
        coir::task<std::optional<Event>> next() {
            auto event = co_await box_->events.pop();
            if (event) {
                took_one();
            }
            co_return event;
        }

        // It did not read in time, and events are missing.
        [[nodiscard]] bool was_dropped() const {
            std::lock_guard guard(hub_->lock);
            return box_->dropped;
        }

    private:
        void took_one() {
            coir::shared_deferred<> freed;
            {
                std::lock_guard guard(hub_->lock);
                if (box_->unread-- != hub_->options.capacity) {
                    return;
                }
                freed = std::exchange(hub_->room, coir::shared_deferred<>{});
            }
            freed->succeed();
        }

        void leave() {
            coir::shared_deferred<> freed;
            {
                std::lock_guard guard(hub_->lock);
                std::erase(hub_->mailboxes, box_);
                freed = std::exchange(hub_->room, coir::shared_deferred<>{});
            }
            freed->succeed();
        }

        std::shared_ptr<shared> hub_;
        std::shared_ptr<mailbox> box_;
    };

    explicit event_hub(hub_options options) : shared_(std::make_shared<shared>(std::move(options))) {}

    // Any thread. After close() it is at its end at once.
    [[nodiscard]] subscription subscribe() {
        auto box = std::make_shared<mailbox>();
        std::lock_guard guard(shared_->lock);
        if (shared_->closed) {
            box->events.close();
        } else {
            shared_->mailboxes.push_back(box);
        }
        return subscription(shared_, std::move(box));
    }

    // Gives the event to all subscribers, or, when interrupted while it waits for room, to none.
    // `wanted()` decides at the last moment, under the hub's lock, whether it is still to be given.
    template <class Wanted>
    coir::task<> publish(Event event, Wanted wanted) {
        for (;;) {
            coir::shared_deferred<> room;
            {
                std::lock_guard guard(shared_->lock);
                if (!is_full(shared_->options.capacity)) {
                    if (wanted()) {
                        deliver(event);
                    }
                    co_return;
                }
                room = shared_->room;
            }
            if (!co_await coir::timeout(room, shared_->options.patience)) {
                drop_full(shared_->options.capacity);
            }
        }
    }

    // Gives the event to all subscribers now; one whose reserve is used up is dropped.
    void publish_now(Event const& event) {
        drop_full(shared_->options.capacity + shared_->options.reserved);
        std::lock_guard guard(shared_->lock);
        deliver(event);
    }

    // Calls `f` while nothing is being given.
    template <class F>
    decltype(auto) between_events(F f) {
        std::lock_guard guard(shared_->lock);
        return f();
    }

    // Subscribers get what they were sent, and then the end.
    void close() {
        std::lock_guard guard(shared_->lock);
        shared_->closed = true;
        for (auto& box : shared_->mailboxes) {
            box->events.close();
        }
        shared_->mailboxes.clear();
    }

private:
    bool is_full(std::size_t limit) const {
        return std::ranges::any_of(shared_->mailboxes, [&](auto const& box) { return box->unread >= limit; });
    }

    void deliver(Event const& event) {
        for (auto& box : shared_->mailboxes) {
            ++box->unread;
            static_cast<void>(box->events.try_push(event)); // unbounded and open: accepted
        }
    }

    void drop_full(std::size_t limit) {
        std::size_t dropped = 0;
        {
            std::lock_guard guard(shared_->lock);
            dropped = std::erase_if(shared_->mailboxes, [&](auto const& box) {
                if (box->unread < limit) {
                    return false;
                }
                box->dropped = true;
                box->events.close();
                return true;
            });
        }
        if (dropped != 0 && shared_->options.on_diagnostic) {
            shared_->options.on_diagnostic("a subscriber that does not read was dropped");
        }
    }

    std::shared_ptr<shared> shared_;
};

} // namespace chat
