// An upstream of a concurrent stage: a fiber of the stage pulls it and is one element ahead.
//
//     inlet<Up> a{scope, news, f, std::move(up)};  a.start();           // with the first pull
//     inlet_base* from = nullptr;
//     status s = news.wait(scope, f, from);                             // which has something new
//     if (s != status::value) return s;                                 // pending, or how the stage ends
//     if (from->has_element()) static_cast<inlet<Up>*>(from)->take(out);
//     else if (from->has_ended()) ...
//
// An element that is not taken stays until the next pull, or is dropped when the stage is closed.
#pragma once

#include <coir/detail/pooled.hpp>
#include <coir/stream/concurrent/pump.hpp>
#include <coir/stream/concurrent/stage_scope.hpp>

#include <atomic>
#include <optional>
#include <utility>

namespace coir::inline v0::detail {

class inlet_news;

// What the consumer knows of it is what was so when news.wait() gave the inlet.
class inlet_base : public source_end {
public:
    // An element waits to be taken.
    bool has_element() const noexcept { return seen_.full; }
    // There will be no other one: the stream has ended, or was stopped.
    bool has_ended() const noexcept { return seen_.ended; }
    // Besides, upstream is closed: its finalizers have run.
    bool is_closed() const noexcept { return seen_.closed; }

protected:
    inlet_base(stage_scope& scope, inlet_news& news) noexcept : scope_{scope}, news_{news} {}
    ~inlet_base() = default;

    stage_scope& scope() const noexcept { return scope_; }

    // Under the lock.
    void tell(wake_batch& wakes) noexcept;
    void set_full(bool full) noexcept { now_.full = full; }
    bool is_full() const noexcept { return now_.full; }
    // The consumer has taken the element.
    void set_taken() noexcept { now_.full = seen_.full = claimed_ = false; }
    // The element goes away unless the consumer knows of it.
    void withdraw() noexcept { now_.full = now_.full && claimed_; }

    void end_pulls(status how, std::exception_ptr defect, fiber_base& f, bool stopped) noexcept {
        bool const fails = how != status::end && !(how == status::cancelled && stopped);
        {
            wake_batch wakes;
            std::lock_guard const guard{scope_.lock()};
            set_end(how == status::cancelled && fails ? status::interrupted : how, std::move(defect));
            now_.ended = true;
            tell(wakes);
        }
        if (fails) {
            is_first_ = scope_.fail(*this, f.id());
        }
    }

    template <class Up>
    void end_closing(std::exception_ptr thrown, fiber_base& f, Up& upstream) {
        bool const fails = thrown != nullptr && how() == status::end;
        // The error of the first is the consumer's to take.
        if (how() == status::defect || !is_first_) {
            scope_.note_failed(*this, how() == status::defect ? defect() : detail::as_thrown(upstream, how()));
        }
        scope_.note_thrown(thrown, std::exchange(f.suppressed, {}));
        if (fails) {
            {
                std::lock_guard const guard{scope_.lock()};
                set_end(status::defect, std::move(thrown));
            }
            static_cast<void>(scope_.fail(*this, f.id()));
        }
        wake_batch wakes;
        std::lock_guard const guard{scope_.lock()};
        now_.closed = true;
        tell(wakes);
    }

private:
    friend class inlet_news;

    struct state {
        bool full = false;
        bool ended = false;
        bool closed = false;
    };

    stage_scope& scope_;
    inlet_news& news_;
    inlet_base* next_ = nullptr;
    bool listed_ = false;
    bool claimed_ = false;  // the consumer knows of the element
    bool is_first_ = false; // to fail in a pull; its fiber's own
    state now_;             // under the lock
    state seen_;            // the consumer's
};

// The inlets that have something new, in the order in which that came. Guarded by the scope's lock.
class inlet_news {
public:
    // value: `from` has something new since it was given last.
    status wait(stage_scope& scope, fiber_base& f, inlet_base*& from) noexcept {
        return scope.wait(f, [&] { return pop(from); });
    }

    // Under the lock; for a look of another kind.
    bool pop(inlet_base*& from) noexcept {
        from = first_;
        if (from == nullptr) {
            return false;
        }
        first_ = from->next_;
        from->listed_ = false;
        from->seen_ = from->now_;
        from->claimed_ = from->now_.full;
        return true;
    }

private:
    friend class inlet_base;

    void push(inlet_base& in) noexcept {
        if (!std::exchange(in.listed_, true)) {
            in.next_ = nullptr;
            (first_ != nullptr ? last_->next_ : first_) = &in;
            last_ = &in;
        }
    }

    inlet_base* first_ = nullptr;
    inlet_base* last_ = nullptr; // if there is a first
};

inline void inlet_base::tell(wake_batch& wakes) noexcept {
    news_.push(*this);
    scope_.wake_consumer(wakes);
}

template <class Up>
class inlet final : public inlet_base, public stream_pump<Up, inlet<Up>>, public pooled {
    using base = stream_pump<Up, inlet<Up>>;
    // An upstream that says of an element, under the lock, that it is of no use any more.
    static constexpr bool withdraws = requires(Up& up) { up.is_stale(); };

public:
    using value_type = typename Up::value_type;

    // counted: made with new, and released by its owner once; else a part of the stage's state.
    inlet(stage_scope& scope, inlet_news& news, fiber_base& puller, Up&& up,
          fiber_base::lifetime l = fiber_base::lifetime::of_its_owner)
        : inlet_base{scope, news}, base{puller, scope.members(), std::move(up), l},
          room_{scope.lock(), "room in a stream"} {}

    // The consumer, of an inlet that has an element: it is moved out, and the next one is pulled.
    template <class T>
    void take(std::optional<T>& out) {
        out.emplace(std::move(*place_));
        drop();
    }
    void drop() noexcept {
        place_.reset();
        wake_batch wakes;
        std::lock_guard const guard{scope().lock()};
        set_taken();
        wakes.add(room_.claim());
    }

    // Under the lock: it looks again whether its element is stale.
    [[nodiscard]] fiber_base* claim_waiting() noexcept { return room_.claim(); }

    // Interrupts this one alone. is_closed() is told when it has released what it had; an element
    // that it has handed over stays until then.
    void stop(fiber_id by) noexcept {
        stopped_.store(true, std::memory_order_relaxed);
        this->request_interrupt(by);
    }

private:
    friend base;

    std::optional<value_type>& place() noexcept { return place_; }

    status offer(fiber_base& f) noexcept {
        wake_batch wakes;
        auto const look = [&] {
            if (!std::exchange(offered_, true)) {
                set_full(true);
                tell(wakes);
            }
            if constexpr (withdraws) {
                if (this->upstream().is_stale()) {
                    withdraw();
                }
            }
            return !is_full();
        };
        status s = status::pending;
        if constexpr (withdraws) {
            s = room_.poll(f, look);
        } else {
            s = room_.poll_until_claimed(f, look);
        }
        offered_ = offered_ && !detail::has_ended(s);
        return s;
    }
    void pulled(status how, std::exception_ptr defect) noexcept {
        end_pulls(how, std::move(defect), *this,
                  stopped_.load(std::memory_order_relaxed) || scope().members().is_stopped());
    }
    void closed(std::exception_ptr thrown) noexcept { end_closing(std::move(thrown), *this, this->upstream()); }

    std::optional<value_type> place_; // of the fiber while it is not full, else of the consumer
    guarded_wait room_;
    atomic<bool> stopped_{false}; // before the interruption, which is seen with it
    bool offered_ = false;
};

} // namespace coir::inline v0::detail
