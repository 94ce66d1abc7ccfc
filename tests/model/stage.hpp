// The cast of a scenario: a deferred, its completers, fibers that await it, and who interrupts
// them; each a thread. When all are done it checks that everyone ended as they may.
//
//     stage s{run};
//     s.interrupts(s.waits());
//     s.completes();
#pragma once

#include "fiber_model.hpp"

#include <coir/detail/deferred_cell.hpp>
#include <coir/detail/registration.hpp>
#include <coir/detail/timeout_operation.hpp>
#include <coir/dump.hpp>

#include <array>
#include <chrono>
#include <string>
#include <utility>

namespace scenario {

/// A fiber with all it needs, and what the scenario did to it.
struct actor {
    loop where;
    detail::nursery roots; // of its own, as a lock shared with others would order what it does
    ending end;
    detail::fiber_base* fiber = nullptr;
    bool may_be_cancelled = false;
    bool may_give_up = false;
    bool must_be_cancelled = false;
};

class stage {
    using signal = detail::deferred_cell<void, coir::never>; // which is completed in one step
    using wait = detail::deferred_wait<int, coir::never>;

    // Callbacks.
    template <class F>
    using registration = coir::registration<F>;
    struct count {
        int* calls;
        void operator()(bool) const noexcept { ++*calls; }
    };
    struct drops {
        registration<count>** which;
        void operator()(bool) const noexcept { destroy(*which); }
    };
    struct ends {
        signal** which;
        void operator()(bool) const noexcept { destroy(*which); }
    };
    struct looks {
        coir::fiber_id* where;
        void operator()(bool) const noexcept { *where = detail::current_fiber_id(); }
    };

public:
    explicit stage(model::run& run) : run_(run) {
        model::per_thread(detail::this_worker());
        model::label(*deferred_, "deferred");
        model::label(*signal_, "signal");
        run.finally([this] { finish(); });
    }
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;

    // ---- What a fiber may do.

    wait value() { return wait{*deferred_}; }
    template <class Op>
    auto masked(Op op) {
        return detail::masked_operation<untouched<Op>>{untouched<Op>{std::move(op)}};
    }
    template <class Op>
    auto interrupted_early(Op op) {
        return overtaken<Op>{std::move(op)};
    }
    template <class Op>
    auto until_signal(Op op) {
        return detail::interrupt_when_operation<Op, void, coir::never>{std::move(op), *signal_};
    }
    template <class Op>
    auto after_signal(Op op) {
        using first = detail::deferred_wait<void, coir::never>;
        return sequence<first, Op>{first{*signal_}, std::move(op)};
    }
    template <class Op>
    auto limited(Op op) {
        return detail::timeout_operation<Op>{std::move(op), std::chrono::seconds{1}};
    }

    // ---- Who is there.

    /// A fiber that begins while others are at work.
    actor& arrives() { return arrives(value()); }
    template <class Op>
    actor& arrives(Op op) {
        return add(std::move(op), nullptr, false);
    }
    /// A fiber that waits already when the others start.
    actor& waits() { return waits(value()); }
    template <class Op>
    actor& waits(Op op) {
        return add(std::move(op), nullptr, true);
    }
    /// One that begins on one of two threads, and goes on on either.
    actor& roams() { return roams(value()); }
    template <class Op>
    actor& roams(Op op) {
        actor& who = cast(std::move(op), nullptr);
        who.end.shared = &who.where;
        for (int i = 0; i < 2; ++i) run_.thread("worker", [&who] { while (who.where.shared_turn()) {} });
        return who;
    }
    /// A child of a fiber, at whose end it is interrupted.
    actor& waits_under(actor& parent) { return waits_under(parent, value()); }
    template <class Op>
    actor& waits_under(actor& parent, Op op) {
        actor& child = add(std::move(op), &parent.fiber->children(), true);
        child.may_be_cancelled = true;
        return child;
    }

    /// A plain thread that waits, or that looks and leaves.
    void thread_waits() {
        run_.thread("thread", [d = deferred_] {
            MODEL_ASSERT(d->wait_until((cell::time_point::max)()), "a wait without a limit ends with the value");
            MODEL_ASSERT(d->poll()->value() == answer, "a woken thread sees the value [D38]");
        });
    }
    void thread_gives_up() {
        run_.thread("thread", [d = deferred_] {
            if (d->wait_until((cell::time_point::min)()))
                MODEL_ASSERT(d->poll()->value() == answer, "a woken thread sees the value [D38]");
        });
    }

    void completes() {
        completers_ += 1;
        run_.thread("completer", [this] { complete(); });
    }
    void interrupts(actor& who) {
        retain(who);
        run_.thread("interrupter", [&who] {
            who.fiber->request_interrupt(coir::fiber_id{7});
            who.fiber->release();
        });
    }
    /// Both on one thread, so that who is masked gets the value and then is interrupted.
    void interrupts_twice_and_completes(actor& who) {
        retain(who);
        who.must_be_cancelled = true;
        completers_ += 1;
        run_.thread("interrupter", [this, &who] {
            who.fiber->request_interrupt(coir::fiber_id{7});
            who.fiber->request_interrupt(coir::fiber_id{8});
            who.fiber->release();
            complete();
        });
    }
    /// Of who runs something until_signal, or after_signal.
    void signals(actor& who) {
        who.may_give_up = true;
        signals();
    }
    void signals() {
        signals_ += 1;
        run_.thread("signal", [this] {
            if (signal_->complete(coir::in_place_success)) signalled_.fetch_add(1, std::memory_order_relaxed);
        });
    }
    /// Of who runs something that is limited.
    void time_runs_out(actor& who) {
        who.may_give_up = true;
        run_.thread("clock", [&who] { who.where.expire(); });
    }
    /// Destroys the deferred, or the signal, although it is unfinished.
    void abandons() {
        abandoned_ = true;
        run_.thread("owner", [this] { destroy(deferred_); });
    }
    void abandons_signal() {
        abandoned_ = true;
        run_.thread("owner", [this] { destroy(signal_); });
    }

    /// Of who runs something interrupted_early.
    void interrupts_itself(actor& who) { who.may_be_cancelled = true; }

    /// A callback waits for the value, and looks which fiber it runs in.
    void callback_looks_around() { looks_ = new registration<looks>{deferred_->waiters(), looks{&looked_in_}}; }
    /// One that drops another callback, which waits for the signal.
    void callback_drops_another() {
        kept_ = new registration<count>{signal_->waiters(), count{&calls_}};
        drops_ = new registration<drops>{deferred_->waiters(), drops{&kept_}};
    }
    /// One that destroys the signal, which is unfinished.
    void callback_ends_signal() {
        abandoned_ = true;
        ends_ = new registration<ends>{deferred_->waiters(), ends{&signal_}};
    }

    /// Looks at a fiber and those below it, as a dump does.
    void reads(actor& who) {
        run_.thread("reader", [&who] {
            coir::detail::nursery_walk walk;
            walk(who.roots, [](const coir::detail::visited_fiber& v) {
                const auto seen = coir::detail::read_fiber(v, {.stacks = true});
                MODEL_ASSERT(seen.id && seen.id == v.fiber.id(), "who is read is there");
                MODEL_ASSERT(!v.held || !seen.waits_for.empty(), "who is suspended waits for something");
                MODEL_ASSERT(!seen.interrupt_requested || seen.interrupted_by, "who is interrupted knows by whom [I16]");
            });
        });
    }

    // ---- What else must hold.

    /// From here on, the last fiber to end destroys the deferred at once.
    void last_one_destroys() { left_ = static_cast<int>(count_); }
    /// These are woken one after the other.
    void in_order(actor& first, actor& second) {
        first.where.queue_up(order_);
        second.where.queue_up(order_);
    }

private:
    template <class Op>
    actor& cast(Op op, detail::nursery* parent) {
        actor& who = *(actors_.at(count_++) = new actor);
        who.fiber = new player<Op>(who.where, parent != nullptr ? *parent : who.roots, std::move(op), who.end);
        who.fiber->release(); // the handle, which nobody wants
        model::label(*who.fiber, "fiber " + std::to_string(count_));
        model::label(who.where, "loop " + std::to_string(count_));
        who.where.post(*who.fiber);
        return who;
    }
    template <class Op>
    actor& add(Op op, detail::nursery* parent, bool waiting) {
        actor& who = cast(std::move(op), parent);
        if (waiting) who.where.turn();
        run_.thread("waiter", [this, &who] {
            while (who.end.times == 0) who.where.turn();
            if (left_.load(std::memory_order_relaxed) > 0 && left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
                const model::no_waiting nobody_is_inside;
                destroy(deferred_);
            }
        });
        return who;
    }

    static void retain(actor& who) {
        who.may_be_cancelled = true;
        who.fiber->retain(); // an interrupter has a handle
    }
    void complete() {
        // relaxed: it only counts, and may be the last thing that this thread does.
        if (deferred_->complete(coir::in_place_success, answer)) completions_.fetch_add(1, std::memory_order_relaxed);
    }
    template <class Cell>
    static void destroy(Cell*& which) {
        delete std::exchange(which, nullptr);
    }

    void finish() {
        for (std::size_t i = 0; i < count_; ++i) {
            check(*actors_[i]);
            delete actors_[i];
        }
        MODEL_ASSERT(completions_.load() == (completers_ > 0 ? 1 : 0), "one completer wins [D2 D3]");
        MODEL_ASSERT(signalled_.load() == (signals_ > 0 ? 1 : 0), "one completer wins [D2 D3]");
        destroy(looks_);
        destroy(drops_);
        destroy(kept_);
        destroy(ends_);
        MODEL_ASSERT(calls_ <= 1, "a callback is called at most once");
        destroy(deferred_);
        destroy(signal_);
    }

    void check(const actor& who) const {
        MODEL_ASSERT(who.end.times == 1, "a fiber ends once [D17]");
        MODEL_ASSERT(!who.must_be_cancelled || who.end.how == detail::status::cancelled,
                     "an interruption under a mask is taken at its end [I3]");
        switch (who.end.how) {
        case detail::status::value:
            MODEL_ASSERT(who.end.value || who.may_give_up, "only a signal or a deadline makes a region give up");
            MODEL_ASSERT(who.end.value.value_or(answer) == answer, "a woken fiber sees the value [D38]");
            break;
        case detail::status::cancelled:
            MODEL_ASSERT(who.may_be_cancelled, "only who was interrupted is cancelled");
            MODEL_ASSERT(who.end.by, "who is interrupted knows by whom [I16]");
            break;
        case detail::status::interrupted:
            MODEL_ASSERT(abandoned_, "only an unfinished deferred interrupts [D32]");
            break;
        default: MODEL_ASSERT(false, "a wait ends with a value, or cancelled, or interrupted [D17]");
        }
    }

    model::run& run_;
    cell* deferred_ = new cell;
    signal* signal_ = new signal;
    std::array<actor*, 4> actors_{};
    std::size_t count_ = 0;
    wake_order order_;
    registration<looks>* looks_ = nullptr;
    registration<count>* kept_ = nullptr;
    registration<drops>* drops_ = nullptr;
    registration<ends>* ends_ = nullptr;
    coir::fiber_id looked_in_;
    int calls_ = 0;
    detail::atomic<int> left_{0};
    detail::atomic<int> completions_{0};
    detail::atomic<int> signalled_{0};
    int completers_ = 0;
    int signals_ = 0;
    bool abandoned_ = false;
};

} // namespace scenario
