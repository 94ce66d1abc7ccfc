// Fibers for scenarios: the library's real control block, claim, waiter and deferred, on a
// scheduler whose only thread is a model thread. Instead of a coroutine, a fiber awaits one
// deferred and ends; so nothing is explored but what the protocols are about.
//
//     auto* end = new ending;
//     auto* fiber = new sleeper(*loop, cell, *end);
//     run.thread("waiter", [=] { loop->run(*fiber); });
#pragma once

#include "explorer.hpp"

#include <coir/deferred.hpp>
#include <coir/detail/fiber_base.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace scenario {

namespace detail = coir::detail;

using cell = detail::deferred_cell<int, coir::never>;
inline constexpr int answer = 42;

/// How a fiber ended, written by it and read when all threads are done.
struct ending {
    int times = 0;
    detail::status how = detail::status::pending;
    int value = 0;
};

/// A scheduler for one fiber, run by one model thread.
class loop final : public coir::scheduler {
public:
    void post(detail::runnable& work) noexcept override {
        // release: what was done before is visible to the fiber; it goes on with it only.
        auto* before = inbox_.exchange(&work, std::memory_order_acq_rel);
        MODEL_ASSERT(before == nullptr, "a fiber is resumed by one party only [D12]");
    }
    void arm(coir::timer&, time_point) noexcept override {}
    void disarm(coir::timer&) noexcept override {}

    /// One turn: waits until something is posted and runs it.
    void turn() {
        model::await_change(inbox_, nullptr);
        execute(*inbox_.exchange(nullptr, std::memory_order_acquire));
    }

private:
    detail::atomic<detail::runnable*> inbox_{nullptr};
};

/// A fiber that awaits a deferred and ends as that wait ends.
class sleeper final : public detail::fiber_base, private detail::frame, private detail::suspension {
public:
    sleeper(loop& where, detail::nursery& parent, cell& awaited, ending& end)
        : fiber_base{where, parent}, wait_{awaited}, end_{&end} {
        handle = std::noop_coroutine();
        waits_in = this;
        MODEL_ASSERT(parent.add(*this));
    }

    std::string_view name() const noexcept override { return "sleeper"; }

    using frame::operator new;
    using frame::operator delete;

private:
    detail::status poll(detail::fiber_base&) override { return wait(); }

    void begin() override {
        push_frame(*this, nothing_);
        static_cast<void>(to_loop(wait()));
    }

    // Any end but a value unwinds the frame, of which there is nothing, and so ends the fiber.
    detail::status wait() {
        how_ = wait_.poll(*this);
        if (how_ == detail::status::value) value_ = wait_.get();
        return how_ == detail::status::value ? detail::status::interrupted : how_;
    }

    void end_cancelled() noexcept override { how_ = detail::status::cancelled; }
    void end_defect(std::exception_ptr) noexcept override { how_ = detail::status::defect; }
    detail::status root_status() const noexcept override { return detail::status::interrupted; }
    void publish() noexcept override {
        ++end_->times;
        end_->how = how_;
        end_->value = value_;
    }
    void destroy() noexcept override { delete this; }

    detail::deferred_wait<int, coir::never> wait_;
    detail::completion<void, coir::never> nothing_;
    ending* end_;
    detail::status how_ = detail::status::pending;
    int value_ = 0;
};

/// A fiber with all it needs, and what the scenario did to it.
struct actor {
    explicit actor(cell& awaited) : fiber(new sleeper(where, parent, awaited, end)) {
        fiber->release(); // nobody has a handle
    }

    loop where;
    detail::nursery parent;
    ending end;
    sleeper* fiber;
    bool interrupted = false;
};

/// A deferred, its completers, and fibers that await it: the cast of a scenario.
class stage {
public:
    explicit stage(model::run& run) : run_(run) {
        model::per_thread(detail::this_worker());
        model::label(*deferred_, "deferred");
        run.finally([this] { finish(); });
    }
    stage(const stage&) = delete;
    stage& operator=(const stage&) = delete;

    /// A fiber that begins to wait while others are at work.
    actor& arrives() { return add(false); }
    /// A fiber that waits already when the others start.
    actor& waits() { return add(true); }

    void completes() {
        completers_ += 1;
        run_.thread("completer", [this] {
            // relaxed: it only counts, and may be the last thing that this thread does.
            if (deferred_->complete(coir::in_place_success, answer)) completions_.fetch_add(1, std::memory_order_relaxed);
        });
    }
    void interrupts(actor& who) {
        who.interrupted = true;
        who.fiber->retain(); // an interrupter has a handle
        run_.thread("interrupter", [fiber = who.fiber] {
            fiber->request_interrupt(coir::fiber_id{7});
            fiber->release();
        });
    }
    /// Destroys the deferred although it is unfinished.
    void abandons() {
        abandoned_ = true;
        run_.thread("owner", [this] { destroy(); });
    }
    /// From here on, the last fiber to end destroys the deferred at once.
    void last_one_destroys() { left_ = static_cast<int>(count_); }

private:
    actor& add(bool waiting) {
        actor& who = *(actors_.at(count_++) = new actor(*deferred_));
        model::label(*who.fiber, "fiber " + std::to_string(count_));
        model::label(who.where, "loop " + std::to_string(count_));
        who.where.post(*who.fiber);
        if (waiting) who.where.turn();
        run_.thread("waiter", [this, &who] {
            while (who.end.times == 0) who.where.turn();
            if (left_.load(std::memory_order_relaxed) > 0 && left_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
        });
        return who;
    }

    void destroy() { delete std::exchange(deferred_, nullptr); }

    void finish() {
        for (std::size_t i = 0; i < count_; ++i) {
            const actor& who = *actors_[i];
            MODEL_ASSERT(who.end.times == 1, "a fiber ends once [D17]");
            switch (who.end.how) {
            case detail::status::value: MODEL_ASSERT(who.end.value == answer, "a woken fiber sees the value [D38]"); break;
            case detail::status::cancelled: MODEL_ASSERT(who.interrupted, "only who was interrupted is cancelled"); break;
            case detail::status::interrupted: MODEL_ASSERT(abandoned_, "only an unfinished deferred interrupts [D32]"); break;
            default: MODEL_ASSERT(false, "a wait ends with a value, or cancelled, or interrupted [D17]");
            }
            delete &who;
        }
        MODEL_ASSERT(completions_.load() == (completers_ > 0 ? 1 : 0), "one completer wins [D2 D3]");
        destroy();
    }

    model::run& run_;
    cell* deferred_ = new cell;
    std::array<actor*, 4> actors_{};
    std::size_t count_ = 0;
    detail::atomic<int> left_{0};
    detail::atomic<int> completions_{0};
    int completers_ = 0;
    bool abandoned_ = false;
};

} // namespace scenario
