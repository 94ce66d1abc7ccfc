// A scheduler on one thread: whoever calls run() runs the fibers.
//
//     coir::run_loop loop;
//     coir::outcome<int> answer = loop.run(compute());
//
// When nothing is ready the thread sleeps until the next deadline or until something is posted.
#pragma once

#include <coir/detail/mailbox.hpp>
#include <coir/detail/parker.hpp>
#include <coir/fiber.hpp>
#include <coir/runtime/scheduler.hpp>
#include <coir/runtime/timer_queue.hpp>

namespace coir::inline v0 {

class run_loop final : public scheduler, private detail::nursery_waiter {
public:
    run_loop() = default;
    // Interrupts what still runs, and waits for it.
    ~run_loop() override {
        fibers().close();
        end_fibers();
    }

    // Runs `work` to its end here and returns its outcome. Then interrupts the daemons and what
    // was or is spawned, and runs until they have ended. Throws would_deadlock on a thread that
    // runs fibers. One thread at a time.
    template <class Work, class... Args>
    auto run(Work&& work, Args&&... args) {
        detail::throw_if_on_worker();
        auto root = spawn(std::forward<Work>(work), std::forward<Args>(args)...);
        run_until([&] { return root.poll() != nullptr; });
        end_fibers();
        auto& end = root.get_state().cell().end();
        return std::remove_reference_t<decltype(end)>(std::move(end));
    }

    // Starts `work` as a fiber of this loop, from any thread; it runs while some thread is in run().
    template <class Work, class... Args>
    auto spawn(Work&& work, Args&&... args) {
        return detail::queue_fiber(*this, fibers(), nullptr, std::forward<Work>(work), std::forward<Args>(args)...);
    }

    void post(runnable& work) noexcept override {
        if (detail::this_worker().current == this) {
            ready_.push(work);
        } else if (mailbox_.push(work)) {
            parker_.unpark();
        }
    }

    void arm(timer& t, time_point deadline) noexcept override {
        if (timers_.arm(t, deadline) && mailbox_.wake()) {
            parker_.unpark();
        }
    }
    void disarm(timer& t) noexcept override { timers_.disarm(t); }

private:
    void nursery_quiet() noexcept override { quiet_ = true; }

    // Those too that finalizers of the others start.
    void end_fibers() {
        fibers().stop(fiber_id{});
        quiet_ = fibers().wait(*this);
        run_until([&] { return quiet_; });
        fibers().go_on();
    }

    // Timers and what others posted are looked at between batches: what is ready goes first, but
    // cannot starve them.
    template <class Done>
    void run_until(Done done) {
        detail::worker_scope const scope{*this};
        while (!done()) {
            if (!mailbox_.empty()) {
                mailbox_.take(ready_);
            }
            if (timers_.any_armed()) { // a clock read costs more than a batch
                timers_.run_expired(now());
            }
            if (ready_.empty()) {
                sleep();
            } else {
                run_batch();
            }
        }
    }

    // What is ready now, and not what that makes ready.
    void run_batch() noexcept {
        runnable const* const last = ready_.newest();
        for (runnable const* ran = nullptr; ran != last;) {
            runnable& work = *ready_.pop();
            ran = &work; // it may be gone, or queued again, after this
            execute(work);
        }
    }

    // The deadline is read after the mark of sleep was set: who arms an earlier one later sees it.
    void sleep() noexcept {
        if (!mailbox_.fall_asleep()) {
            return;
        }
        time_point const deadline = timers_.next_deadline();
        if (deadline == timer_queue::never) {
            parker_.park();
        } else if (!parker_.park_until(deadline) && !mailbox_.wake()) {
            parker_.park(); // whoever took the mark unparks, and must not do so when we are gone
        }
    }

    detail::runnable_queue ready_; // of the thread that runs the loop
    detail::mailbox mailbox_;      // from all others
    bool quiet_ = false;
    timer_queue timers_;
    detail::parker parker_;
};

} // namespace coir::inline v0
