// The fibers of a scenario and who comes for them; each a thread. What they wait for, and what else
// must hold at the end, is added by the stage that derives from it.
//
//     actor& who = waits(detail::deferred_wait{cell});
//     interrupts(who);
#pragma once

#include "crowd.hpp"
#include "fiber_model.hpp"

#include <coir/detail/timeout_operation.hpp>
#include <coir/dump.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace scenario {

/// A fiber with all it needs, and what the scenario did to it.
struct actor {
    loop where;
    std::unique_ptr<crowd> many; // of one that has members beside it
    detail::nursery roots; // of its own, as a lock shared with others would order what it does
    ending end;
    detail::fiber_base* fiber = nullptr;
    bool may_be_cancelled = false;
    bool may_give_up = false;
    bool must_be_cancelled = false;
};

class players {
public:
    players(const players&) = delete;
    players& operator=(const players&) = delete;

    // ---- What a fiber may do.

    template <class Op>
    auto masked(Op op) {
        return detail::masked_operation<untouched<Op>>{untouched<Op>{std::move(op)}};
    }
    template <class Op>
    auto interrupted_early(Op op) {
        return overtaken<Op>{std::move(op)};
    }
    template <class Op>
    auto limited(Op op) {
        return detail::timeout_operation<Op>{std::move(op), std::chrono::seconds{1}};
    }

    // ---- Who is there.

    /// A fiber that begins while others are at work.
    template <class Op>
    actor& arrives(Op op) {
        return add(std::move(op), nullptr, false);
    }
    /// A fiber that waits already when the others start.
    template <class Op>
    actor& waits(Op op) {
        return add(std::move(op), nullptr, true);
    }
    /// One that begins on one of two threads, and goes on on either.
    template <class Op>
    actor& roams(Op op) {
        actor& who = cast(std::move(op), nullptr);
        who.end.shared = &who.where;
        for (int i = 0; i < 2; ++i) run().thread("worker", [&who] { while (who.where.shared_turn()) {} });
        return who;
    }
    /// A child of a fiber, at whose end it is interrupted.
    template <class Op>
    actor& waits_under(actor& parent, Op op) {
        actor& child = add(std::move(op), &parent.fiber->children(), true);
        child.may_be_cancelled = true;
        return child;
    }
    /// A fiber, and those it makes, each of which runs on a thread of its own.
    template <class Op>
    actor& with_members(std::size_t count, Op op, bool waiting = true) {
        actor& who = cast(std::move(op), nullptr, std::make_unique<crowd>());
        who.end.shared = who.many.get();
        if (waiting) who.many->all_turn();
        for (std::size_t i = 0; i <= count; ++i)
            run().thread(i == 0 ? "owner" : "member", [&who, i] { while (who.many->turn(i)) {} });
        return who;
    }

    // ---- What comes for them.

    void interrupts(actor& who) {
        retain(who);
        run().thread("interrupter", [&who] {
            who.fiber->request_interrupt(coir::fiber_id{7});
            who.fiber->release();
        });
    }
    /// Of who runs something interrupted_early.
    void interrupts_itself(actor& who) { who.may_be_cancelled = true; }
    /// Of who runs something that is limited.
    void time_runs_out(actor& who) {
        who.may_give_up = true;
        run().thread("clock", [&who] { who.where.expire(); });
    }
    /// Looks at a fiber and those below it, as a dump does.
    void reads(actor& who) {
        run().thread("reader", [&who] {
            coir::detail::nursery_walk walk;
            walk(who.roots, [](const coir::detail::visited_fiber& v) {
                const auto seen = coir::detail::read_fiber(v, {.stacks = true});
                MODEL_ASSERT(seen.id && seen.id == v.fiber.id(), "who is read is there");
                MODEL_ASSERT(!v.held || !seen.waits_for.empty(), "who is suspended waits for something");
                MODEL_ASSERT(!seen.interrupt_requested || seen.interrupted_by, "who is interrupted knows by whom [I16]");
            });
        });
    }

protected:
    explicit players(model::run& run) : run_(run) { model::per_thread(detail::this_worker()); }
    ~players() = default;

    [[nodiscard]] model::run& run() noexcept { return run_; }
    [[nodiscard]] std::size_t how_many() const noexcept { return count_; }

    static void retain(actor& who) {
        who.may_be_cancelled = true;
        who.fiber->retain(); // an interrupter has a handle
    }

    /// When all threads are done.
    void end_of_all() {
        for (std::size_t i = 0; i < count_; ++i) {
            check(*actors_[i]);
            check_end(*actors_[i]);
            delete actors_[i];
        }
    }

private:
    /// On the thread of a fiber that waited or arrived.
    virtual void has_ended() {}
    /// Of who ended with a value.
    virtual void check_value(const actor&) const = 0;
    virtual void check_failure(const actor&) const { MODEL_ASSERT(false, "what cannot fail does not"); }
    /// Of who ended in any way.
    virtual void check_end(const actor&) const {}
    /// Whether what is waited for may end as interrupted.
    virtual bool may_be_interrupted() const { return false; }

    template <class Op>
    actor& cast(Op op, detail::nursery* parent, std::unique_ptr<crowd> many = nullptr) {
        actor& who = *(actors_.at(count_++) = new actor);
        who.many = std::move(many);
        coir::scheduler& where = who.many ? static_cast<coir::scheduler&>(*who.many) : who.where;
        detail::nursery& among = parent != nullptr ? *parent : who.roots;
        who.fiber = new plain_player<Op>(where, among, std::move(op), who.end);
        MODEL_ASSERT(among.add(*who.fiber));
        who.fiber->release(); // the handle, which nobody wants
        model::label(*who.fiber, "fiber " + std::to_string(count_));
        model::label(who.where, "loop " + std::to_string(count_));
        where.post(*who.fiber);
        return who;
    }
    template <class Op>
    actor& add(Op op, detail::nursery* parent, bool waiting) {
        actor& who = cast(std::move(op), parent);
        if (waiting) who.where.turn();
        run().thread("waiter", [this, &who] {
            while (who.end.times == 0) who.where.turn();
            has_ended();
        });
        return who;
    }

    void check(const actor& who) const {
        MODEL_ASSERT(who.end.times == 1, "a fiber ends once [D17]");
        MODEL_ASSERT(!who.must_be_cancelled || who.end.how == detail::status::cancelled,
                     "an interruption under a mask is taken at its end [I3]");
        switch (who.end.how) {
        case detail::status::value: check_value(who); break;
        case detail::status::failure: check_failure(who); break;
        case detail::status::cancelled:
            MODEL_ASSERT(who.may_be_cancelled, "only who was interrupted is cancelled");
            MODEL_ASSERT(who.end.by, "who is interrupted knows by whom [I16]");
            break;
        case detail::status::interrupted:
            MODEL_ASSERT(may_be_interrupted(), "only an unfinished deferred interrupts [D32]");
            break;
        default: MODEL_ASSERT(false, "a wait ends with a value, or cancelled, or interrupted [D17]");
        }
    }

    model::run& run_;
    std::array<actor*, 4> actors_{};
    std::size_t count_ = 0;
};

} // namespace scenario
