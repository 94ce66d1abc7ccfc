// Fibers for scenarios: the library's real control block, claim, regions and operations, on a
// scheduler whose only thread is a model thread. Instead of a coroutine, a fiber runs one
// operation and ends as that does; so nothing is explored but what the protocols are about.
//
//     auto* fiber = new plain_player(*loop, *parent, detail::deferred_wait{*cell}, *end);
//     run.thread("waiter", [=] { loop->run(*fiber); });
#pragma once

#include "explorer.hpp"

#include <coir/detail/deferred_wait.hpp>
#include <coir/detail/fiber_base.hpp>
#include <coir/detail/mask.hpp>
#include <coir/runtime/timer_queue.hpp>

#include <optional>
#include <string_view>
#include <utility>

namespace scenario {

namespace detail = coir::detail;

using cell = detail::deferred_cell<int, coir::never>;
inline constexpr int answer = 42;

/// What runs fibers on several threads, and stops.
struct closable {
    virtual void close() = 0;

protected:
    ~closable() = default;
};

/// How a fiber ended, written by it and read when all threads are done.
struct ending {
    int times = 0;
    detail::status how = detail::status::pending;
    coir::fiber_id by;        // who interrupted it
    closable* shared = nullptr; // to be closed then
    std::optional<int> value; // of an end that is status::value: none if a region was given up
};

/// Notes in which order fibers are woken that came one after the other.
struct wake_order {
    int came = 0;
    int woken = 0;
};

/// A scheduler for one fiber, run by one model thread or a few.
class loop final : public coir::scheduler, public closable {
public:
    void post(detail::runnable& work) noexcept override {
        if (order_ != nullptr)
            MODEL_ASSERT(order_->woken++ == place_, "waiters are woken in the order of their coming [D13]");
        work.next = nullptr; // it is the scheduler's now, as it would be in a queue
        // release: what was done before is visible to the fiber; it goes on with it only.
        auto* before = inbox_.exchange(&work, std::memory_order_acq_rel);
        MODEL_ASSERT(before == nullptr, "a fiber is resumed by one party only [D12]");
    }
    void arm(coir::timer& t, time_point deadline) noexcept override { timers_.arm(t, deadline); }
    void disarm(coir::timer& t) noexcept override { timers_.disarm(t); }
    time_point now() const noexcept override { return {}; }

    /// One turn: waits until something is posted and runs it.
    void turn() {
        model::await_change(inbox_, nullptr);
        execute(*inbox_.exchange(nullptr, std::memory_order_acquire));
    }
    /// One turn of several threads. False: the fiber has ended.
    bool shared_turn() {
        model::await_change(inbox_, nullptr);
        auto* work = inbox_.exchange(nullptr, std::memory_order_acquire);
        if (work == &closed_) close();
        else if (work != nullptr) execute(*work);
        return work != &closed_;
    }
    void close() override { inbox_.store(&closed_, std::memory_order_relaxed); }
    /// Every deadline passes.
    void expire() { timers_.run_expired(coir::timer_queue::never); }

    /// From here on the fiber must be woken in its turn.
    void queue_up(wake_order& order) {
        place_ = order.came++;
        order_ = &order;
    }

private:
    detail::atomic<detail::runnable*> inbox_{nullptr};
    struct last_call final : detail::runnable {
        last_call() : runnable{nullptr} {}
    } closed_;
    coir::timer_queue timers_;
    wake_order* order_ = nullptr;
    int place_ = 0;
};

/// A fiber that runs an operation and ends as it does.
template <class Op>
class player : public detail::fiber_base, private detail::frame, private detail::suspension {
public:
    player(coir::scheduler& where, detail::nursery& parent, Op&& op, ending& end)
        : fiber_base{where, parent}, op_{std::move(op)}, end_{&end} {
        handle = std::noop_coroutine();
        waits_in = this;
    }

    using frame::operator new;
    using frame::operator delete;

protected:
    ~player() = default;

    void begin() override {
        push_frame(*this, nothing_);
        static_cast<void>(to_loop(play()));
    }

    void publish() noexcept override {
        ++end_->times;
        end_->how = how_;
        end_->by = interrupted_by();
        end_->value = value_;
        if (end_->shared != nullptr) end_->shared->close();
    }

private:
    detail::status poll(detail::fiber_base&) override { return play(); }

    // Any end but a value unwinds the frame, of which there is nothing, and so ends the fiber.
    detail::status play() {
        how_ = op_.poll(*this);
        if (how_ == detail::status::value) value_ = op_.get();
        return how_ == detail::status::value ? detail::status::interrupted : how_;
    }

    void end_cancelled() noexcept override { how_ = detail::status::cancelled; }
    void end_defect(std::exception_ptr) noexcept override { how_ = detail::status::defect; }
    detail::status root_status() const noexcept override { return detail::status::interrupted; }

    Op op_;
    detail::completion<void, coir::never> nothing_;
    ending* end_;
    detail::status how_ = detail::status::pending;
    std::optional<int> value_;
};

/// One of which nothing else is known.
template <class Op>
class plain_player final : public player<Op> {
public:
    using player<Op>::player;

private:
    void destroy() noexcept override { delete this; }
};

/// What runs behind a mask: no request from outside ends it.
template <class Inner>
class untouched final : public detail::adaptor<Inner> {
public:
    using detail::adaptor<Inner>::adaptor;

    detail::status poll(detail::fiber_base& f) {
        const auto s = this->inner_.poll(f);
        MODEL_ASSERT(s != detail::status::cancelled, "what is masked is not interrupted [I3]");
        return s;
    }
};

/// What is interrupted when its fiber has begun to wait and is not parked yet.
template <class Inner>
class overtaken final : public detail::adaptor<Inner> {
public:
    using detail::adaptor<Inner>::adaptor;

    detail::status poll(detail::fiber_base& f) {
        const auto s = this->inner_.poll(f);
        if (s == detail::status::pending && !std::exchange(asked_, true)) f.request_interrupt(coir::fiber_id{7});
        return s;
    }

private:
    bool asked_ = false;
};

/// One wait after the other.
template <class First, class Second>
class sequence final : public detail::adaptor<Second> {
public:
    sequence(First&& first, Second&& second) : detail::adaptor<Second>{std::move(second)}, first_{std::move(first)} {}

    detail::status poll(detail::fiber_base& f) {
        if (!past_) {
            const auto s = first_.poll(f);
            if (s != detail::status::value) return s;
            past_ = true;
        }
        return this->inner_.poll(f);
    }

private:
    First first_;
    bool past_ = false;
};

} // namespace scenario
