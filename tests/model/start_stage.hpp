// The cast of a scenario with a child that says when it is ready: a fiber in whose scope it is, the
// child, each on a thread of its own, and who interrupts the fiber.
//
//     s.interrupts(s.starts({.says = true}));
#pragma once

#include "players.hpp"

#include <coir/adapt.hpp>
#include <coir/fail.hpp>
#include <coir/scope.hpp>
#include <coir/task.hpp>

namespace scenario {

class start_stage final : public players {
    using cell = coir::deferred<>;

public:
    /// What the child does.
    struct child {
        bool goes_on = true;
        bool says = false;
        bool fails = false;
    };

    explicit start_stage(model::run& run) : players(run) {
        run.finally([this] { finish(); });
    }

    /// A fiber that waits for the word of a child, which is about to go on, if it does.
    actor& starts(child what) {
        child_ = what;
        actor& who = with_members(1, parent(this).coir_operation());
        if (what.goes_on) go_->succeed();
        return who;
    }
    /// The same while the fiber begins.
    actor& begins(child what) {
        child_ = what;
        if (what.goes_on) go_->succeed();
        return with_members(1, parent(this).coir_operation(), false);
    }

private:
    static coir::task<void, int> run_child(coir::started<int>& ready, start_stage* s) {
        co_await *s->go_;
        if (s->child_.says) s->was_heard_ = ready(answer);
        if (s->child_.fails) co_await coir::fail(1);
    }
    static coir::task<int, int> parent(start_stage* s) {
        const auto body = [s](coir::scope<int>& in) -> coir::task<int, int> {
            const auto word = co_await coir::as_result(in.fork_started(&run_child, s));
            s->has_heard_ = word.has_value();
            co_return word.value_or(-1);
        };
        co_return co_await coir::with_scope<int>(body);
    }

    void check_value(const actor& who) const override {
        MODEL_ASSERT(*who.end.value == (has_heard_ ? answer : -1), "a started child hands over its value");
        MODEL_ASSERT(has_heard_ ? !child_.fails : child_.fails, "the end of a child is its scope's or its starter's");
    }
    // Of a child that was ready, as it is one like others; before, the failure is shown to who waits for it.
    void check_failure(const actor&) const override { MODEL_ASSERT(child_.says && child_.fails && has_heard_); }
    void check_end(const actor&) const override {
        MODEL_ASSERT(has_heard_ == was_heard_, "who says that it is ready knows whether somebody heard it [I3]");
    }

    void finish() {
        end_of_all();
        delete go_;
    }

    cell* go_ = new cell;
    child child_;
    bool was_heard_ = false; // as the child sees it
    bool has_heard_ = false; // as its parent does
};

} // namespace scenario
