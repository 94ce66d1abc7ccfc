// The state of a queue: what it holds, and who waits to put in or to take out.
//
// Every change happens under one lock and ends with settle(), after which
//     pushers wait  =>  the queue holds limit() elements or more
//     poppers wait  =>  it holds fewer than the first of them wants, and no pusher waits
//     it is closed and empty, and no pusher waits  =>  nobody waits at all
// Elements always go through `items_`, so what a cancelled pop gives back is first again. The
// user's code runs under the lock only where an element is moved (or copied, by peek).
#pragma once

#include <coir/detail/queue_waiters.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/sync/queue_capacity.hpp>

#include <optional>

namespace coir::inline v0::detail {

template <class T, class E>
class queue_core {
public:
    explicit queue_core(queue_capacity c) noexcept : capacity_{c} {}
    queue_core(queue_core const&) = delete;
    queue_core& operator=(queue_core const&) = delete;
    ~queue_core() {
        shutdown();
        await_cancellers(lock_, leaving_);
    }

    // Moves from `item` if it is accepted. Throws what allocating throws.
    push_status try_push(T& item) {
        return push_at_once(item) ? push_status::accepted : push(item, [] {}, [](wake_batch&) { return false; });
    }

    // The same, but `full` means: `w` has joined the line for `f`, and pops will move from `item`.
    push_status push_or_wait(T& item, push_waiter<T>& w, fiber_base& f, leaf& l) {
        auto const join = [&] {
            w.item_ = &item;
            w.accepted_ = false;
            f.begin_wait(&l);
            pushers_.join(w, f);
        };
        auto const is_refused = [&](wake_batch& wakes) {
            if (f.may_take()) {
                return false;
            }
            join();
            return !wakes.claim(w, leaving_);
        };
        return !f.competes() && push_at_once(item) ? push_status::accepted : push(item, join, is_refused);
    }

    // Lets `w` take what it wants, if that is there and nobody stands before it.
    template <class Waiter>
    void try_pop(Waiter& w) {
        if (!pop_at_once(w)) {
            pop(w, [] {}, [] { return true; });
        }
    }

    // True: `w` got all there is for it. False: it has joined the line for `f`.
    template <class Waiter>
    bool pop_or_wait(Waiter& w, fiber_base& f, leaf& l) {
        auto const join = [&] {
            f.begin_wait(&l);
            poppers_.join(w, f);
        };
        return (!f.competes() && pop_at_once(w)) || pop(w, join, [&] { return f.may_take(); });
    }

    // True: closed and drained. False: `w` has joined the line for `f`.
    bool drained_or_wait(drain_waiter& w, fiber_base& f, leaf& l) noexcept {
        std::lock_guard guard{lock_};
        if (has_ended()) {
            return true;
        }
        f.begin_wait(&l);
        drainers_.join(w, f);
        return false;
    }

    // For leaf::cancel, which wakes the fiber afterwards. Who stood behind may be served now.
    void withdraw(line_waiter& w) noexcept {
        wake_batch wakes;
        std::lock_guard guard{lock_};
        any_line::leave(w);
        settle(wakes);
    }

    bool close(queue_error_t<E> error = {}) noexcept {
        wake_batch wakes;
        std::lock_guard guard{lock_};
        if (closed_) {
            return false;
        }
        closed_ = true;
        error_ = std::move(error);
        settle(wakes);
        return true;
    }

    std::size_t shutdown() noexcept {
        ring<T> dropped; // dies after the lock was released
        wake_batch wakes;
        std::lock_guard guard{lock_};
        closed_ = true;
        dropped.swap(items_);
        while (!pushers_.empty()) {
            wakes.wake(pushers_.front(), leaving_);
        }
        settle(wakes);
        return dropped.size();
    }

    // Calls `f(items, closed)`.
    template <class F>
    auto look(F f) const {
        std::lock_guard guard{lock_};
        return f(items_, closed_);
    }

private:
    using overflow = queue_capacity::overflow;

    // How much may be in before a push has to wait: who waits for more makes room for it.
    std::size_t limit() const noexcept {
        return poppers_.empty() ? capacity_.size() : (std::max)(capacity_.size(), poppers_.front().least_);
    }

    bool has_ended() const noexcept { return closed_ && items_.empty() && pushers_.empty(); }

    // The usual case: there is room and memory, and nobody waits. Nothing is to be settled. A queue
    // that drops is often full, and not asked twice.
    bool push_at_once(T& item) noexcept {
        if (capacity_.when_full() != overflow::waits) {
            return false;
        }
        std::lock_guard guard{lock_};
        if (closed_ || !poppers_.empty() || items_.size() >= (std::min)(capacity_.size(), items_.capacity())) {
            return false;
        }
        items_.push_back(std::move(item));
        return true;
    }

    // The same for a pop. Waiter: the type itself, so that its functions are inlined.
    template <class Waiter>
    bool pop_at_once(Waiter& w) noexcept {
        std::lock_guard guard{lock_};
        if (closed_ || items_.empty() || items_.size() < w.least_ || !poppers_.empty() || !pushers_.empty() ||
            w.room() < (std::min)(w.most_, items_.size())) {
            return false;
        }
        w.take(items_);
        return true;
    }

    // `is_refused` is asked before the element is accepted; then whoever pushes it has joined a line.
    template <class OnFull, class IsRefused>
    push_status push(T& item, OnFull on_full, IsRefused is_refused) {
        ring<T> roomier;
        for (;;) {
            std::optional<T> oldest; // dies after the lock was released
            wake_batch wakes;
            std::size_t needed = 0;
            {
                std::lock_guard guard{lock_};
                items_.move_into(roomier);
                if (closed_) {
                    return push_status::closed;
                }
                dismiss_lost(wakes);
                bool const drops_oldest = capacity_.when_full() == overflow::drops_oldest;
                if ((items_.size() < limit() || drops_oldest) && is_refused(wakes)) {
                    return push_status::full;
                }
                if (items_.size() >= limit() && drops_oldest) {
                    oldest.emplace(items_.pop_front());
                    if (items_.size() >= limit()) {
                        continue; // a pop that wanted more than the capacity has left
                    }
                }
                if (items_.size() >= limit() && !oldest) {
                    return refuse(on_full);
                }
                if (items_.size() < items_.capacity()) {
                    return store(item, wakes) ? push_status::accepted : refuse(on_full);
                }
                needed = items_.grown();
            }
            roomier = ring<T>{needed};
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

    // False: only a pop that is being cancelled had made room, and nothing has changed.
    bool store(T& item, wake_batch& wakes) noexcept {
        items_.push_back(std::move(item));
        settle(wakes);
        if (capacity_.size() == 0 && poppers_.empty() && !items_.empty()) {
            put_back(item, items_.pop_back());
            return false;
        }
        return true;
    }

    template <class OnEmpty, class MayTake>
    bool pop(pop_waiter<T, E>& w, OnEmpty on_empty, MayTake may_take) {
        ring<T> roomier;
        for (;;) {
            wake_batch wakes;
            std::size_t cells = 0;
            std::size_t room = 0;
            {
                std::lock_guard guard{lock_};
                items_.move_into(roomier);
                if (!poppers_.empty()) {
                    if (w.least_ != 0) {
                        on_empty();
                    }
                    return w.least_ == 0; // nobody overtakes
                }
                std::size_t const reach = (std::max)(capacity_.size(), capacity_.size() == 0 ? w.most_ : w.least_);
                cells = (std::max)(items_.size(), (std::min)(reach, items_.size() + pushers_.size()));
                room = (std::max)(w.least_, (std::min)(w.most_, cells));
                if (cells <= items_.capacity() && room <= w.room()) {
                    refill(reach, wakes);
                    return serve_now(w, wakes, on_empty, may_take);
                }
            }
            w.reserve(room);
            roomier = ring<T>{cells};
        }
    }

    // Who may not take what there is stands in line for it, and is refused it there.
    template <class OnEmpty, class MayTake>
    bool serve_now(pop_waiter<T, E>& w, wake_batch& wakes, OnEmpty& on_empty, MayTake& may_take) noexcept {
        bool const served = has_ended() || (can_serve(w) && may_take());
        if (has_ended()) {
            w.error_ = error_;
        } else if (served) {
            w.take(items_);
        } else {
            on_empty();
        }
        settle(wakes);
        return served;
    }

    // What remains in a closed queue is all that anybody can get.
    bool can_serve(pop_waiter<T, E> const& w) const noexcept {
        return items_.size() >= w.least_ || (closed_ && pushers_.empty() && !items_.empty());
    }

    void settle(wake_batch& wakes) noexcept {
        do {
            refill(limit(), wakes);
        } while (serve_first(wakes));
        if (has_ended()) {
            end_waits(wakes);
        }
    }

    // A pop that cannot take anything any more makes no room in a rendezvous. It would be found when it
    // is handed the element, but by then a push that competes has won, and the others have lost.
    void dismiss_lost(wake_batch& wakes) noexcept {
        while (capacity_.size() == 0 && !poppers_.empty() && poppers_.front().is_lost()) {
            static_cast<void>(wakes.claim(poppers_.front(), leaving_));
        }
    }

    // From the pushers that wait, until `reach` elements are there.
    void refill(std::size_t reach, wake_batch& wakes) noexcept {
        while (items_.size() < reach && !pushers_.empty()) {
            push_waiter<T>& w = pushers_.front();
            items_.push_back(std::move(*w.item_));
            w.accepted_ = true;
            if (!wakes.claim(w, leaving_)) {
                put_back(*w.item_, items_.pop_back());
            }
        }
    }

    bool serve_first(wake_batch& wakes) noexcept {
        if (poppers_.empty() || !can_serve(poppers_.front())) {
            return false;
        }
        pop_waiter<T, E>& w = poppers_.front();
        w.take(items_);
        if (!wakes.claim(w, leaving_)) {
            w.give_back(items_);
        }
        return true;
    }

    void end_waits(wake_batch& wakes) noexcept {
        while (!poppers_.empty()) {
            pop_waiter<T, E>& w = poppers_.front();
            w.error_ = error_;
            wakes.wake(w, leaving_);
        }
        while (!drainers_.empty()) {
            wakes.wake(drainers_.front(), leaving_);
        }
    }

    queue_capacity capacity_;
    mutable spin_lock lock_;
    bool closed_ = false;
    queue_error_t<E> error_{};
    ring<T> items_;
    waiting_line<push_waiter<T>> pushers_;
    waiting_line<pop_waiter<T, E>> poppers_;
    waiting_line<drain_waiter> drainers_;
    any_line leaving_;
};

} // namespace coir::inline v0::detail
