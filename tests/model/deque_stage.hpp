// The cast of a scenario with the ready work of one worker: its owner, and thieves.
//
//     s.owner_pushes_and_pops(2);
//     s.steals();
#pragma once

#include "explorer.hpp"

#include <coir/detail/work_deque.hpp>

#include <array>
#include <cstddef>

namespace scenario {

class deque_stage final {
    struct piece final : coir::detail::runnable {
        piece() : runnable{nullptr} {}
        int number = 0; // written by the owner before it is pushed
        int taken = 0;  // plain: that two take it is a race, if nothing else shows it
    };
    static constexpr int mark = 42;

public:
    explicit deque_stage(model::run& run) : run_(run) {
        model::label(*deque_, "deque");
        run.finally([this] { finish(); });
    }

    /// It pushes all and then takes what is left.
    void owner_pushes_and_pops(std::size_t count) {
        owner([this, count] {
            for (std::size_t i = 0; i < count; ++i) push();
            while (take(deque_->pop())) {}
        });
    }
    /// It takes each back at once, so that slots are written again.
    void owner_pops_each(std::size_t count) {
        owner([this, count] {
            for (std::size_t i = 0; i < count; ++i) {
                push();
                take(deque_->pop());
            }
        });
    }
    /// It pushes all, moves the older half away, and takes what is left.
    void owner_moves_half(std::size_t count) {
        owner([this, count] {
            for (std::size_t i = 0; i < count; ++i) push();
            coir::detail::runnable_queue batch;
            deque_->take_half(batch);
            while (take(batch.pop())) {}
            while (take(deque_->pop())) {}
        });
    }
    void steals() {
        run_.thread("thief", [this] { take(deque_->steal()); });
    }

private:
    template <class F>
    void owner(F what) {
        run_.thread("owner", what);
    }

    void push() {
        piece& next = pieces_[pushed_++];
        next.number = mark;
        MODEL_ASSERT(deque_->push(next), "no more is pushed than fits");
    }
    bool take(coir::detail::runnable* work) {
        if (work == nullptr) return false;
        auto& taken = static_cast<piece&>(*work);
        MODEL_ASSERT(taken.number == mark, "who takes work sees what it consists of");
        MODEL_ASSERT(++taken.taken == 1, "work is taken once");
        return true;
    }

    void finish() {
        while (take(deque_->pop())) {}
        for (std::size_t i = 0; i < pushed_; ++i) MODEL_ASSERT(pieces_[i].taken == 1, "no work is lost");
        delete deque_;
    }

    model::run& run_;
    coir::detail::work_deque* deque_ = new coir::detail::work_deque;
    std::array<piece, 4> pieces_;
    std::size_t pushed_ = 0;
};

} // namespace scenario
