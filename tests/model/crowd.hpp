// A scheduler for a fiber and those it makes: each has a lane of its own, which one model thread
// runs, so that all of them run at once and none stands in a queue.
//
//     crowd c;
//     c.post(*owner);
//     run.thread("owner", [&] { while (c.turn(0)) {} });
//     run.thread("member", [&] { while (c.turn(1)) {} }); // until c.close()
#pragma once

#include "explorer.hpp"
#include "fiber_model.hpp"

#include <cstddef>

namespace scenario {

class crowd final : public coir::scheduler, public closable {
public:
    static constexpr std::size_t lanes = 6;

    void post(detail::runnable& work) noexcept override {
        work.next = nullptr; // it is the scheduler's now, as it would be in a queue
        // release: what was done before is visible to the fiber; it goes on with it only.
        auto* before = lane_of(work).inbox.exchange(&work, std::memory_order_acq_rel);
        MODEL_ASSERT(before == nullptr, "a fiber is resumed by one party only [D12]");
    }
    void arm(coir::timer& t, time_point deadline) noexcept override { timers_.arm(t, deadline); }
    void disarm(coir::timer& t) noexcept override { timers_.disarm(t); }
    time_point now() const noexcept override { return {}; }

    /// One turn of a lane: waits until something is posted and runs it. False: closed.
    bool turn(std::size_t number) {
        auto& inbox = lanes_[number].inbox;
        model::await_change(inbox, nullptr);
        auto* const work = inbox.exchange(nullptr, std::memory_order_acquire);
        if (work != &closed_) execute(*work);
        return work != &closed_;
    }
    /// Runs everything that has been posted.
    void all_turn() {
        for (auto& each : lanes_)
            if (each.inbox.load(std::memory_order_relaxed) != nullptr)
                execute(*each.inbox.exchange(nullptr, std::memory_order_acquire));
    }
    void close() override {
        for (auto& each : lanes_) {
            auto* const before = each.inbox.exchange(&closed_, std::memory_order_relaxed);
            MODEL_ASSERT(before == nullptr, "nobody is resumed after the end of all [F5]");
        }
    }

private:
    struct lane {
        detail::runnable* whose = nullptr;
        detail::atomic<detail::runnable*> inbox{nullptr};
    };

    // Not seen by the explorer: a lane is no more than a place, nothing is told by it.
    __attribute__((no_sanitize("thread"), noinline)) lane& lane_of(detail::runnable& work) noexcept {
        lane* at = lanes_;
        while (at->whose != nullptr && at->whose != &work) ++at;
        at->whose = &work;
        return *at;
    }

    lane lanes_[lanes];
    struct last_call final : detail::runnable {
        last_call() : runnable{nullptr} {}
    } closed_;
    coir::timer_queue timers_;
};

} // namespace scenario
