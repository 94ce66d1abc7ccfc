// The cast of a scenario with an awaitable of another library: a fiber that awaits it, a thread of
// that library that resumes it, and who interrupts the fiber.
//
//     s.interrupts(s.waits(s.event(cancelling::takes_back)));
//     s.resumes();
#pragma once

#include "players.hpp"

#include <coir/detail/foreign_operation.hpp>

#include <coroutine>

namespace scenario {

/// An event of the other library. It outlives its awaiters, which live in the fiber.
struct foreign_event {
    static constexpr auto fired = ~std::uintptr_t{0};

    detail::atomic<std::uintptr_t> state{0}; // who waits, or that it has fired
    detail::atomic<bool> asked{false};       // somebody wants to wait no longer
    int value = 0;                           // written before it fires
    bool has_result = false;
    int resumed = 0; // how often a fiber was

    // The event is not looked at any more when the fiber is resumed: it may go with it.
    void fire() {
        value = answer;
        has_result = !asked.load(std::memory_order_acquire);
        if (const auto who = state.exchange(fired, std::memory_order_acq_rel)) resume(who);
    }
    /// The same where somebody is known to come.
    void fire_when_awaited() {
        value = answer;
        has_result = true;
        std::uintptr_t who = 0;
        while (who == 0) {
            model::await_change(state, 0);
            who = state.load(std::memory_order_acquire);
        }
        resume(who);
    }

private:
    void resume(std::uintptr_t who) {
        ++resumed;
        std::coroutine_handle<>::from_address(reinterpret_cast<void*>(who)).resume();
    }
};

class foreign_stage final : public players {
public:
    enum class cancelling { not_at_all, takes_back, resumes_anyway };

private:
    struct awaiter {
        foreign_event* of;

        bool await_ready() const noexcept { return of->state.load(std::memory_order_acquire) == foreign_event::fired; }
        bool await_suspend(std::coroutine_handle<> h) noexcept {
            std::uintptr_t nobody = 0;
            return of->state.compare_exchange_strong(nobody, reinterpret_cast<std::uintptr_t>(h.address()),
                                                     std::memory_order_acq_rel, std::memory_order_acquire);
        }
        int await_resume() const noexcept { return of->value; }
    };
    struct taken_back : awaiter {
        bool await_cancel() noexcept {
            auto who = of->state.load(std::memory_order_relaxed);
            return who != foreign_event::fired && of->state.compare_exchange_strong(who, 0, std::memory_order_acq_rel);
        }
    };
    struct resumed_anyway : awaiter {
        bool await_cancel() noexcept {
            of->asked.store(true, std::memory_order_release);
            return false;
        }
        bool await_must_resume() noexcept { return of->has_result; }
    };
    // It is looked at once more after somebody else may have resumed the fiber.
    struct published : awaiter {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) noexcept {
            of->state.store(reinterpret_cast<std::uintptr_t>(h.address()), std::memory_order_release);
            seen = of->state.load(std::memory_order_relaxed);
        }
        std::uintptr_t seen = 0;
    };

    template <class Awaiter>
    static auto awaiting(Awaiter a) {
        return detail::foreign_operation<Awaiter>{std::move(a)};
    }

public:
    explicit foreign_stage(model::run& run) : players(run) {
        model::label(*event_, "event");
        run.finally([this] { finish(); });
    }

    // ---- What a fiber may do.

    /// Awaits the event; how it may be given up.
    template <cancelling How>
    auto event() {
        if constexpr (How == cancelling::takes_back) return awaiting(taken_back{{event_}});
        else if constexpr (How == cancelling::resumes_anyway) return awaiting(resumed_anyway{{event_}});
        else return awaiting(awaiter{event_});
    }
    /// Awaits what may be resumed before await_suspend() has returned.
    auto handed_over() {
        handed_over_ = true;
        return awaiting(published{{event_}, 0});
    }

    // ---- Who is there.

    void resumes() {
        run().thread("foreign", [e = event_, sure = handed_over_] { sure ? e->fire_when_awaited() : e->fire(); });
    }

private:
    void check_value(const actor& who) const override {
        MODEL_ASSERT(who.end.value || who.may_give_up, "only a deadline makes a region give up");
        MODEL_ASSERT(who.end.value.value_or(answer) == answer, "a resumed fiber sees the result [D38]");
        MODEL_ASSERT(!who.end.value || event_->has_result, "what has no result gives none");
    }

    void check_end(const actor& who) const override {
        MODEL_ASSERT(event_->resumed == 0 || !event_->has_result || who.end.value,
                     "what completed is reported as completed [I3]");
    }

    void finish() {
        end_of_all();
        delete event_;
    }

    foreign_event* event_ = new foreign_event;
    bool handed_over_ = false;
};

} // namespace scenario
