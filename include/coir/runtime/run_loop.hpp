// A scheduler on one thread: whoever calls run() runs the fibers.
//
//     coir::run_loop loop;
//     coir::outcome<int> answer = loop.run(compute());
//
// When nothing is ready the thread sleeps until the next deadline or until something is posted.
#pragma once

#include <coir/detail/parker.hpp>
#include <coir/detail/spin_lock.hpp>
#include <coir/fiber.hpp>
#include <coir/runtime/scheduler.hpp>
#include <coir/runtime/timer_queue.hpp>

#include <mutex>

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
    // was spawned, and runs until they have ended. Throws would_deadlock on a thread that
    // runs fibers. One thread at a time.
    template <class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
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
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    auto spawn(Work&& work, Args&&... args) {
        return detail::start_fiber(*this, fibers(), nullptr, fork_options{}, std::forward<Work>(work),
                                   std::forward<Args>(args)...);
    }

    void post(runnable& work) noexcept override {
        std::lock_guard guard{lock_};
        posted_.push(work);
        wake_if_idle();
    }

    void arm(timer& t, time_point deadline) noexcept override {
        if (timers_.arm(t, deadline)) {
            std::lock_guard guard{lock_};
            wake_if_idle();
        }
    }
    void disarm(timer& t) noexcept override { timers_.disarm(t); }

private:
    void nursery_quiet() noexcept override { quiet_ = true; }

    void end_fibers() {
        fibers().interrupt(fiber_id{});
        quiet_ = fibers().wait(*this);
        run_until([&] { return quiet_; });
    }

    // Timers are looked at between batches: what is ready goes first, but cannot starve them.
    template <class Done>
    void run_until(Done done) {
        detail::worker_scope const scope{*this};
        while (!done()) {
            run_batch();
            if (timers_.next_deadline() != timer_queue::never) { // a clock read costs more than a batch
                timers_.run_expired(now());
            }
            sleep_if_idle(done);
        }
    }

    void run_batch() noexcept {
        detail::runnable_queue batch;
        {
            std::lock_guard guard{lock_};
            batch.append(posted_);
        }
        while (runnable* const work = batch.pop()) {
            execute(*work);
        }
    }

    template <class Done>
    void sleep_if_idle(Done& done) {
        if (done()) {
            return;
        }
        {
            std::lock_guard guard{lock_};
            if (!posted_.empty()) {
                return;
            }
            idle_ = true; // from here on a post unparks
        }
        time_point const deadline = timers_.next_deadline();
        if (deadline == timer_queue::never) {
            parker_.park();
        } else if (!parker_.park_until(deadline) && !stay_awake()) {
            parker_.park(); // whoever took the flag unparks, and must not do so when we are gone
        }
    }

    // False: somebody has taken the flag.
    bool stay_awake() noexcept {
        std::lock_guard guard{lock_};
        return std::exchange(idle_, false);
    }

    // Under the lock: without it the loop could wake by itself, run what was posted, and be
    // destroyed before the unpark.
    void wake_if_idle() noexcept {
        if (std::exchange(idle_, false)) {
            parker_.unpark();
        }
    }

    detail::spin_lock lock_;
    detail::runnable_queue posted_;
    bool idle_ = false;
    bool quiet_ = false;
    timer_queue timers_;
    detail::parker parker_;
};

} // namespace coir::inline v0
