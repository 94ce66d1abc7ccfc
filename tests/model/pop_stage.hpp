// The cast of a scenario with a fiber that pops from two queues at once and wants one element: who
// pushes, and who interrupts the fiber. No element may be lost.
//
//     s.interrupts(s.pops());
//     s.pushes(0);
//     s.pushes(1);
#pragma once

#include "players.hpp"

#include <coir/combine.hpp>
#include <coir/sync/queue.hpp>

#include <array>

namespace scenario {

class pop_stage final : public players {
    using core = detail::queue_core<int, coir::never>;
    using pop = detail::queue_pop<detail::take_one<int, coir::never>>;
    using race = detail::when_any_operation<true, pop, pop>;

    class one_of_both : public detail::adaptor<race> {
    public:
        using value_type = int;
        using detail::adaptor<race>::adaptor;

        detail::status poll(detail::fiber_base& f) { return this->inner_.poll(f); }
        int get() { return *this->inner_.get(); }
    };

public:
    explicit pop_stage(model::run& run) : players(run) {
        for (std::size_t i = 0; i < cores_.size(); ++i) model::label(*cores_[i], "queue " + std::to_string(i));
        run.finally([this] { finish(); });
    }

    // ---- Who is there.

    actor& pops() { return with_members(2, one_of_both{race{pop{*cores_[0]}, pop{*cores_[1]}}}); }
    /// Begins while others are at work.
    actor& begins() { return with_members(2, one_of_both{race{pop{*cores_[0]}, pop{*cores_[1]}}}, false); }

    void pushes(std::size_t which) {
        ++pushed_;
        run().thread("pusher", [this, which] { push(which); });
    }
    /// When the others start, it is there; who waited for it is about to go on.
    void has_pushed(std::size_t which) {
        ++pushed_;
        push(which);
    }

private:
    void push(std::size_t which) {
        int number = answer;
        MODEL_ASSERT(cores_[which]->try_push(number) == coir::push_status::accepted);
    }

    void check_value(const actor& who) const override { MODEL_ASSERT(who.end.value == answer); }
    void check_end(const actor& who) const override {
        std::size_t there = who.end.value ? 1 : 0;
        for (auto* each : cores_) there += each->look([](auto& items, bool) { return items.size(); });
        MODEL_ASSERT(there == pushed_, "no element is lost [Q7]");
    }

    void finish() {
        end_of_all();
        for (auto* each : cores_) delete each;
    }

    std::array<core*, 2> cores_{new core{coir::unbounded()}, new core{coir::unbounded()}};
    std::size_t pushed_ = 0;
};

} // namespace scenario
