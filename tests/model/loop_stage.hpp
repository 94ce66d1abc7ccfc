// The cast of a scenario with a run_loop, run by one thread: a fiber on it waits for one cell after
// the other, which other threads complete, themselves or by a timer of the loop. When the fiber has
// ended the loop is destroyed at once, if nobody armed timers: who does keeps it alive.
//
//     s.completes(0);
//     s.arms(1);
//     s.runs();
#pragma once

#include "explorer.hpp"

#include <coir/deferred.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/task.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace scenario {

class loop_stage final {
    using cell = coir::deferred<>;

    struct alarm final : coir::timer {
        bool expire() noexcept override { return true; }
        void finish() noexcept override { completes->succeed(); }
        cell* completes = nullptr;
    };
    static constexpr auto passed = coir::timer_queue::time_point::min();

public:
    explicit loop_stage(model::run& run) : run_(run) {
        model::per_thread(coir::detail::this_worker());
        model::label(*loop_, "loop");
        run.finally([this] { finish(); });
    }

    /// After it was said what the fiber waits for.
    void runs() {
        run_.thread("loop", [this] {
            loop_->run(waits(this));
            if (!keeps_) delete std::exchange(loop_, nullptr);
        });
    }
    /// Another thread completes what the fiber waits for.
    void completes() {
        cell& which = next();
        run_.thread("completer", [&which] { which.succeed(); });
    }
    /// Another thread arms a timer that does; it is due then.
    void arms() {
        keeps_ = true;
        alarm& rings = alarms_[cells_];
        rings.completes = &next();
        run_.thread("clock", [this, &rings] { loop_->arm(rings, passed); });
    }

private:
    static coir::task<> waits(loop_stage* s) {
        for (std::size_t i = 0; i < s->cells_; ++i) co_await s->all_[i];
        s->woke_ = true;
    }

    cell& next() { return all_[cells_++]; }

    void finish() {
        MODEL_ASSERT(woke_, "who sleeps is woken");
        delete loop_;
    }

    model::run& run_;
    coir::run_loop* loop_ = new coir::run_loop;
    std::array<cell, 3> all_;
    std::array<alarm, 3> alarms_;
    std::size_t cells_ = 0;
    bool keeps_ = false;
    bool woke_ = false;
};

} // namespace scenario
