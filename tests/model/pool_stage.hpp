// The cast of a scenario with the workers of a pool, each a thread: who posts work, and timers. Unless
// told otherwise a piece of work waits until there is one inside for each worker, so that a worker who
// sleeps while there is some left is a deadlock.
//
//     s.has_workers(2);
//     s.posts(2);
#pragma once

#include "explorer.hpp"

#include <coir/detail/pool_core.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace scenario {

namespace detail = coir::detail;

class pool_stage final {
    // Some posts more from inside, and some yields before it comes in.
    struct visitor final : detail::runnable {
        visitor() : runnable{&visit} {}
        static void visit(detail::runnable& r) noexcept {
            auto& me = static_cast<visitor&>(r);
            me.stage->comes(me);
        }
        pool_stage* stage = nullptr;
        std::size_t brings = 0; // how many, which stand behind it
        bool yields = false;
        bool came = false;
    };
    struct alarm final : coir::timer {
        bool expire() noexcept override { return true; }
        void finish() noexcept override {
            for (std::size_t i = 0; i < count; ++i) stage->core_->post(posts[i]);
        }
        pool_stage* stage = nullptr;
        visitor* posts = nullptr;
        std::size_t count = 0;
    };
    static constexpr auto passed = detail::pool_core::time_point::min();

public:
    explicit pool_stage(model::run& run) : run_(run) {
        model::per_thread(detail::this_pool_worker());
        run.finally([this] { finish(); });
    }

    // ---- Who is there.

    void has_workers(unsigned count) {
        constexpr int search_rounds = 1;
        core_ = new detail::pool_core{count, search_rounds};
        model::label(*core_, "pool");
        workers_ = count;
        for (unsigned i = 0; i < count; ++i) run_.thread("worker", [this, i] { core_->run(i); });
    }

    /// Another thread posts some work, one piece after the other.
    void posts(std::size_t count) {
        const auto first = expect(count);
        run_.thread("poster", [this, first, count] {
            for (auto i = first; i != first + count; ++i) core_->post(visitors_[i]);
        });
    }
    /// Another thread posts work that posts more from inside.
    void posts_one_that_brings(std::size_t count) {
        const auto first = expect(1 + count);
        visitors_[first].brings = count;
        run_.thread("poster", [this, first] { core_->post(visitors_[first]); });
    }
    /// Another thread posts work that posts itself again before it comes in.
    void posts_one_that_yields() {
        const auto first = expect(1);
        visitors_[first].yields = true;
        run_.thread("poster", [this, first] { core_->post(visitors_[first]); });
    }
    /// Work does not wait for other work.
    void nobody_waits() { meets_ = false; }
    /// A timer posts work; it is due when it is armed.
    void arms(std::size_t count = 1) {
        const auto first = expect(count);
        alarm_.stage = this;
        alarm_.posts = &visitors_[first];
        alarm_.count = count;
        run_.thread("clock", [this] { core_->arm(alarm_, passed); });
    }

private:
    std::size_t expect(std::size_t count) {
        const auto first = expected_;
        expected_ += count;
        for (auto i = first; i != expected_; ++i) visitors_[i].stage = this;
        return first;
    }

    void comes(visitor& who) {
        if (std::exchange(who.yields, false)) {
            core_->post(who);
            return;
        }
        MODEL_ASSERT(!std::exchange(who.came, true), "work runs once");
        for (std::size_t i = 1; i <= who.brings; ++i) core_->post(*(&who + i));
        meet();
        if (left_.fetch_add(1, std::memory_order_relaxed) + 1 == expected_) core_->stop();
    }
    // relaxed: nothing is told here that only the pool may tell.
    void meet() {
        const auto enough = meets_ ? std::min(workers_, expected_) : 0;
        inside_.fetch_add(1, std::memory_order_relaxed);
        for (auto seen = inside_.load(std::memory_order_relaxed); seen < enough;
             seen = inside_.load(std::memory_order_relaxed))
            model::await_change(inside_, seen);
    }

    void finish() {
        core_->finish();
        for (std::size_t i = 0; i < expected_; ++i) MODEL_ASSERT(visitors_[i].came, "all work runs");
        delete core_;
    }

    model::run& run_;
    detail::pool_core* core_ = nullptr;
    std::array<visitor, 4> visitors_;
    alarm alarm_;
    std::size_t workers_ = 0;
    std::size_t expected_ = 0;
    bool meets_ = true;
    detail::atomic<std::size_t> inside_{0};
    detail::atomic<std::size_t> left_{0};
};

} // namespace scenario
