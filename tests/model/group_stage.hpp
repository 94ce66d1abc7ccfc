// The cast of a scenario with a group: a fiber that awaits several values at once, each of which
// somebody else completes, and who interrupts the fiber. Its members are leaf waits, and each
// runs on a thread of its own.
//
//     s.interrupts(s.any(2));
//     s.completes(0);
//     s.completes(1);
#pragma once

#include "players.hpp"

#include <coir/combine.hpp>
#include <coir/detail/deferred_cell.hpp>

#include <array>
#include <utility>

namespace scenario {

class group_stage final : public players {
    using failing = detail::deferred_cell<int, int>;
    using wait = detail::deferred_wait<int, int>;

    /// Awaits `Inner`, and gives one number for all that it gives.
    template <class Inner>
    class summed : public detail::adaptor<Inner> {
    public:
        using value_type = int;
        using detail::adaptor<Inner>::adaptor;

        detail::status poll(detail::fiber_base& f) { return this->inner_.poll(f); }
        int get() { return sum(this->inner_.get()); }

    private:
        static int sum(int one) { return one; }
        static int sum(const std::tuple<int, int>& two) { return std::get<0>(two) + std::get<1>(two); }
        static int sum(const std::vector<int>& many) {
            int all = 0;
            for (int each : many) all += each;
            return all;
        }
    };

    template <class Inner>
    static auto summed_up(Inner inner) {
        return summed<Inner>{std::move(inner)};
    }

public:
    explicit group_stage(model::run& run) : players(run) {
        for (std::size_t i = 0; i < cells_.size(); ++i) model::label(*cells_[i], "value " + std::to_string(i));
        run.finally([this] { finish(); });
    }

    // ---- What a fiber awaits: two values, or the first of them.

    auto any() { return detail::when_any_operation<false, wait, wait>{value(0), value(1)}; }
    auto race() {
        wants_success_ = true;
        return detail::when_any_operation<true, wait, wait>{value(0), value(1)};
    }
    /// The second waits in the fiber itself.
    auto all() {
        wants_all_ = true;
        return summed_up(detail::when_all_operation<wait, wait>{value(0), value(1)});
    }
    auto any_of_range() { return detail::when_any_range_operation<false, wait>{values()}; }
    auto all_of_range() {
        wants_all_ = true;
        return summed_up(detail::when_all_range_operation<wait>{values()});
    }

    // ---- Who is there.

    template <class Op>
    actor& awaits(Op op) {
        return with_members(2, std::move(op));
    }
    /// Begins while others are at work.
    template <class Op>
    actor& begins(Op op) {
        return with_members(2, std::move(op), false);
    }

    /// What it needs is there before anybody interrupts it.
    actor& must_complete(actor& who) {
        must_complete_ = true;
        return who;
    }
    void completes(std::size_t which) {
        expected_[which] = true;
        run().thread("completer", [this, which] { complete(which); });
    }
    /// It is so when the others start; who waited for it is about to go on.
    void is_complete(std::size_t which) {
        expected_[which] = true;
        complete(which);
    }
    void has_failed(std::size_t which) {
        failing_ = true;
        static_cast<void>(cells_[which]->complete(coir::in_place_failure, 0));
    }

private:
    static constexpr int number(std::size_t which) { return 1 << which; }

    void complete(std::size_t which) {
        static_cast<void>(cells_[which]->complete(coir::in_place_success, number(which)));
    }

    wait value(std::size_t which) { return wait{*cells_[which]}; }
    std::vector<wait> values() {
        std::vector<wait> all;
        all.push_back(value(0));
        all.push_back(value(1));
        return all;
    }

    void check_value(const actor& who) const override {
        MODEL_ASSERT(who.end.value.has_value());
        int possible = 0;
        for (std::size_t i = 0; i < cells_.size(); ++i) possible |= expected_[i] ? number(i) : 0;
        MODEL_ASSERT((*who.end.value & ~possible) == 0, "a value is one that was completed");
        const bool is_one = *who.end.value == number(0) || *who.end.value == number(1);
        const bool is_all = *who.end.value == number(0) + number(1);
        MODEL_ASSERT(wants_all_ ? is_all : is_one, "all of the values, or one of them");
    }
    void check_failure(const actor&) const override {
        MODEL_ASSERT(failing_, "what nobody fails does not fail");
        MODEL_ASSERT(!wants_success_ || (!expected_[0] && !expected_[1]), "a race fails when all have failed [R2 R3]");
    }

    void check_end(const actor& who) const override {
        MODEL_ASSERT(!must_complete_ || who.end.value, "what completed is reported as completed [I3]");
    }

    void finish() {
        end_of_all();
        for (auto* each : cells_) {
            MODEL_ASSERT(each->waiters().count() == 0, "nobody waits any longer [D18]");
            delete each;
        }
    }

    std::array<failing*, 2> cells_{new failing, new failing};
    std::array<bool, 2> expected_{};
    bool failing_ = false;
    bool wants_all_ = false;
    bool wants_success_ = false;
    bool must_complete_ = false;
};

} // namespace scenario
