// The cast of a scenario: a deferred, its completers, fibers that await it, and who interrupts
// them; each a thread. When all are done it checks that everyone ended as they may.
//
//     stage s{run};
//     s.interrupts(s.waits());
//     s.completes();
#pragma once

#include "players.hpp"

#include <coir/detail/deferred_cell.hpp>
#include <coir/detail/registration.hpp>

#include <utility>

namespace scenario {

class stage final : public players {
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
    explicit stage(model::run& run) : players(run) {
        model::label(*deferred_, "deferred");
        model::label(*signal_, "signal");
        run.finally([this] { finish(); });
    }

    // ---- What a fiber may do.

    wait value() { return wait{*deferred_}; }
    template <class Op>
    auto until_signal(Op op) {
        return detail::interrupt_when_operation<Op, void, coir::never>{std::move(op), *signal_};
    }
    template <class Op>
    auto after_signal(Op op) {
        using first = detail::deferred_wait<void, coir::never>;
        return sequence<first, Op>{first{*signal_}, std::move(op)};
    }

    // ---- Who is there.

    using players::arrives;
    actor& arrives() { return arrives(value()); }
    using players::waits;
    actor& waits() { return waits(value()); }
    using players::roams;
    actor& roams() { return roams(value()); }
    using players::waits_under;
    actor& waits_under(actor& parent) { return waits_under(parent, value()); }

    /// A plain thread that waits, or that looks and leaves.
    void thread_waits() {
        run().thread("thread", [d = deferred_] {
            MODEL_ASSERT(d->wait_until((cell::time_point::max)()), "a wait without a limit ends with the value");
            MODEL_ASSERT(d->poll()->value() == answer, "a woken thread sees the value [D38]");
        });
    }
    void thread_gives_up() {
        run().thread("thread", [d = deferred_] {
            if (d->wait_until((cell::time_point::min)()))
                MODEL_ASSERT(d->poll()->value() == answer, "a woken thread sees the value [D38]");
        });
    }

    void completes() {
        completers_ += 1;
        run().thread("completer", [this] { complete(); });
    }
    /// Both on one thread, so that who is masked gets the value and then is interrupted.
    void interrupts_twice_and_completes(actor& who) {
        retain(who);
        who.must_be_cancelled = true;
        completers_ += 1;
        run().thread("interrupter", [this, &who] {
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
        run().thread("signal", [this] {
            if (signal_->complete(coir::in_place_success)) signalled_.fetch_add(1, std::memory_order_relaxed);
        });
    }
    /// Destroys the deferred, or the signal, although it is unfinished.
    void abandons() {
        abandoned_ = true;
        run().thread("owner", [this] { destroy(deferred_); });
    }
    void abandons_signal() {
        abandoned_ = true;
        run().thread("owner", [this] { destroy(signal_); });
    }

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

    // ---- What else must hold.

    /// From here on, the last fiber to end destroys the deferred at once.
    void last_one_destroys() { left_ = static_cast<int>(how_many()); }
    /// These are woken one after the other.
    void in_order(actor& first, actor& second) {
        first.where.queue_up(order_);
        second.where.queue_up(order_);
    }

private:
    void has_ended() override {
        if (left_.load(std::memory_order_relaxed) > 0 && left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            const model::no_waiting nobody_is_inside;
            destroy(deferred_);
        }
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
        end_of_all();
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

    void check_value(const actor& who) const override {
        MODEL_ASSERT(who.end.value || who.may_give_up, "only a signal or a deadline makes a region give up");
        MODEL_ASSERT(who.end.value.value_or(answer) == answer, "a woken fiber sees the value [D38]");
    }
    bool may_be_interrupted() const override { return abandoned_; }

    cell* deferred_ = new cell;
    signal* signal_ = new signal;
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
