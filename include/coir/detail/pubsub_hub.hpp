// The state of a pubsub: its log, and who waits to publish or to read.
//
// Every change happens under one lock and ends with settle(), after which
//     publishers wait      =>  the log is full
//     a subscriber waits   =>  it has read everything, and more may come
//     the head of the log has not been read by somebody
#pragma once

#include <coir/detail/pubsub_log.hpp>
#include <coir/detail/waiting_line.hpp>
#include <coir/sync/queue_capacity.hpp>

namespace coir::inline v0::detail {

template <class T>
class pubsub_hub;

template <class T>
class publish_waiter : public line_waiter {
protected:
    explicit publish_waiter(sealed_message<T> m) noexcept : message_{std::move(m)} {}
    publish_waiter(publish_waiter&&) = default;
    ~publish_waiter() = default;

    bool accepted_ = false; // when it was fired: accepted or else closed

private:
    friend class pubsub_hub<T>;

    sealed_message<T> message_;
};

template <class T>
class read_waiter : public line_waiter {
protected:
    explicit read_waiter(subscriber<T>& s) noexcept : subscriber_{&s} {}
    read_waiter(read_waiter&&) = default;
    ~read_waiter() = default;

    message_ptr<T> got_; // none: the end

private:
    friend class pubsub_hub<T>;

    subscriber<T>* subscriber_;
};

template <class T>
class pubsub_hub {
public:
    pubsub_hub(queue_capacity c, std::size_t replay) : capacity_{c}, log_{replay} {}

    // ---- Publishers.

    push_status try_publish(sealed_message<T>& m) {
        return publish(m, [] {}, [](wake_batch&) { return false; });
    }

    // `full`: `w` has joined the line for `f`.
    push_status publish_or_wait(publish_waiter<T>& w, fiber_base& f, leaf& l) {
        auto const join = [&] {
            f.begin_wait(&l);
            publishers_.join(w, f);
        };
        auto const is_refused = [&](wake_batch& wakes) {
            if (f.may_take()) {
                return false;
            }
            join();
            return !wakes.claim(w, leaving_);
        };
        return publish(w.message_, join, is_refused);
    }

    bool close() noexcept {
        aftermath after;
        std::lock_guard guard{lock_};
        bool const was_open = !std::exchange(closed_, true);
        settle(after);
        return was_open;
    }

    std::size_t shutdown() noexcept {
        pubsub_log<T> dropped; // dies after the lock was released
        aftermath after;
        std::lock_guard guard{lock_};
        closed_ = shut_ = true;
        dropped = log_.take_all();
        while (!publishers_.empty()) {
            after.wakes.wake(publishers_.front(), leaving_);
        }
        settle(after);
        return dropped.size();
    }

    bool is_closed() const noexcept {
        std::lock_guard guard{lock_};
        return closed_;
    }
    std::size_t size() const noexcept {
        std::lock_guard guard{lock_};
        return log_.size();
    }
    std::size_t subscribers() const noexcept {
        std::lock_guard guard{lock_};
        return log_.subscribers();
    }

    // ---- Subscribers.

    void subscribe(subscriber<T>& s) {
        ring<message_ptr<T>> backlog{replay()};
        std::lock_guard guard{lock_};
        s.backlog.swap(backlog);
        log_.join(s);
    }

    void unsubscribe(subscriber<T>& s) noexcept {
        {
            aftermath after;
            std::lock_guard guard{lock_};
            readers_.for_each([&](read_waiter<T>& w) {
                if (w.subscriber_ == &s) {
                    after.wakes.wake(w, leaving_);
                }
            });
            log_.leave(s);
            settle(after);
        }
        await_cancellers();
    }

    message_ptr<T> try_read(subscriber<T>& s) noexcept {
        aftermath after;
        std::lock_guard guard{lock_};
        message_ptr<T> got = read(s);
        settle(after);
        return got;
    }

    // True: `w` got what is next, or nothing at the end. False: it has joined the line for `f`.
    bool read_or_wait(read_waiter<T>& w, fiber_base& f, leaf& l) noexcept {
        aftermath after;
        std::lock_guard guard{lock_};
        bool const is_replayed = read(w);
        bool const may_take = !w.got_ || f.may_take();
        if (!may_take) {
            put_back(w, is_replayed, after); // it stands in line for it, and is refused it there
        }
        bool const waits = !may_take || (!w.got_ && !has_ended());
        if (waits) {
            f.begin_wait(&l);
            readers_.join(w, f);
        }
        settle(after);
        return !waits;
    }

    std::size_t unread(subscriber<T>& s) const noexcept {
        std::lock_guard guard{lock_};
        return shut_ ? 0 : log_.unread(s);
    }

    // ---- Both.

    // For leaf::cancel, which wakes the fiber afterwards.
    void withdraw(line_waiter& w) noexcept {
        aftermath after;
        std::lock_guard guard{lock_};
        any_line::leave(w);
        settle(after);
    }

    void await_cancellers() noexcept { detail::await_cancellers(lock_, leaving_); }

private:
    using overflow = queue_capacity::overflow;

    // What is done after the lock was released.
    struct aftermath {
        message_bin<T> bin;
        wake_batch wakes;
    };

    bool is_full() const noexcept { return log_.subscribers() != 0 && log_.size() >= capacity_.size(); }
    bool has_ended() const noexcept { return closed_ && publishers_.empty(); }
    std::size_t replay() const noexcept {
        std::lock_guard guard{lock_};
        return log_.replay();
    }
    message_ptr<T> read(subscriber<T>& s) noexcept { return shut_ ? message_ptr<T>{} : log_.read(s); }

    // `is_refused` is asked before the message is accepted; then its publisher has joined a line.
    template <class OnFull, class IsRefused>
    push_status publish(sealed_message<T>& m, OnFull on_full, IsRefused is_refused) {
        typename pubsub_log<T>::memory roomier;
        for (;;) {
            std::size_t needed = 0;
            {
                aftermath after;
                std::lock_guard guard{lock_};
                log_.move_into(roomier);
                if (closed_) {
                    return push_status::closed;
                }
                if (is_full() && capacity_.when_full() != overflow::drops_oldest) {
                    return refuse(on_full);
                }
                if (is_refused(after.wakes)) {
                    return push_status::full;
                }
                if (is_full()) {
                    log_.drop_first(after.bin);
                }
                if (log_.has_room()) {
                    log_.append(m.seal(), after.bin);
                    settle(after);
                    return push_status::accepted;
                }
                needed = log_.grown();
            }
            roomier = typename pubsub_log<T>::memory{needed};
        }
    }

    template <class OnFull>
    push_status refuse(OnFull& on_full) noexcept {
        if (capacity_.when_full() == overflow::drops_newest) {
            return push_status::dropped;
        }
        on_full();
        return push_status::full;
    }

    void settle(aftermath& after) noexcept {
        do {
            deliver(after);
            log_.drop_read(after.bin);
        } while (admit(after));
        if (has_ended()) {
            readers_.for_each([&](read_waiter<T>& w) { after.wakes.wake(w, leaving_); });
        }
    }

    // To subscribers that wait; a second waiter of the same one finds nothing left.
    void deliver(aftermath& after) noexcept {
        if (log_.size() == 0) {
            return;
        }
        readers_.for_each([&](read_waiter<T>& w) {
            bool const is_replayed = read(w);
            if (w.got_ && !after.wakes.claim(w, leaving_)) {
                put_back(w, is_replayed, after);
            }
        });
    }
    // True: it is replayed, and not from the log.
    bool read(read_waiter<T>& w) noexcept {
        bool const is_replayed = !w.subscriber_->backlog.empty();
        w.got_ = read(*w.subscriber_);
        return is_replayed;
    }
    void put_back(read_waiter<T>& w, bool is_replayed, aftermath& after) noexcept {
        if (is_replayed) {
            w.subscriber_->backlog.push_front(std::move(w.got_));
        } else {
            after.bin.drop(std::move(w.got_));
            log_.unread_last(*w.subscriber_);
        }
    }

    // Publishers that wait, as far as there is room. True: there was, for one.
    bool admit(aftermath& after) noexcept {
        bool admitted = false;
        while (!publishers_.empty() && !is_full()) {
            publish_waiter<T>& w = publishers_.front();
            message_ptr<T> m{w.message_.seal()};
            w.accepted_ = true;
            if (after.wakes.claim(w, leaving_)) {
                log_.append(std::move(m), after.bin);
                admitted = true;
            } else {
                after.bin.drop(std::move(m));
                w.message_.unseal();
            }
        }
        return admitted;
    }

    queue_capacity capacity_;
    mutable spin_lock lock_;
    bool closed_ = false;
    bool shut_ = false;
    pubsub_log<T> log_;
    waiting_line<publish_waiter<T>> publishers_;
    waiting_line<read_waiter<T>> readers_;
    any_line leaving_;
};

} // namespace coir::inline v0::detail
