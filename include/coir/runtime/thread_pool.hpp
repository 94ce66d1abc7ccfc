// A scheduler on several threads, which take work from each other.
//
//     coir::thread_pool pool;                       // as many threads as the machine has cores
//     coir::outcome<int> answer = pool.run(compute());
//     coir::fiber<int> f = pool.spawn(compute());
//     pool.shutdown();                              // interrupts what runs, waits for it
//
// A worker runs next what was posted last on its thread, which is warm in its cache; others steal
// its oldest. Posts from other threads, and what is too much for one worker, go to a queue that
// all share. Work that posts itself again goes to the end of that queue, so it lets others run.
// Nothing starves: after some of the newest in a row a worker takes its oldest, and the shared
// queue and the timers are looked at every so many pieces of work. Idle workers sleep; how
// none of them oversleeps is argued in detail/idle_workers.hpp.
#pragma once

#include <coir/detail/pool_core.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/fiber.hpp>
#include <coir/runtime/scheduler.hpp>

#include <memory>
#include <mutex>
#include <thread>

namespace coir::inline v0 {

class thread_pool final : public scheduler {
public:
    // Starts `threads` threads, at least one. Throws std::system_error if the system refuses.
    explicit thread_pool(unsigned threads = std::thread::hardware_concurrency())
        : core_{(std::max)(threads, 1U)}, threads_{std::make_unique<std::thread[]>(thread_count())} {
        try {
            for (unsigned i = 0; i < thread_count(); ++i) {
                threads_[i] = std::thread{[this, i] { work(i); }};
            }
        } catch (...) {
            stop();
            throw;
        }
    }

    // As shutdown(), so not on a thread that runs fibers.
    ~thread_pool() override { shutdown(); }

    // Refuses new fibers, interrupts those that run, waits until they have ended and then for the
    // threads. Any thread, any number of times; all calls return when it is done. Throws
    // would_deadlock on a thread that runs fibers.
    void shutdown() {
        detail::throw_if_on_worker();
        std::lock_guard guard{shutdown_};
        fibers().close();
        fibers().interrupt(fiber_id{});
        quiet_signal quiet;
        if (!fibers().wait(quiet)) {
            quiet.arrived.park();
        }
        stop();
    }

    unsigned thread_count() const noexcept { return core_.worker_count(); }

    // Starts `work` as a fiber of this pool, from any thread. After shutdown() it ends
    // interrupted without starting.
    template <class Work, class... Args>
    auto spawn(Work&& work, Args&&... args) {
        return detail::queue_fiber(*this, fibers(), nullptr, std::forward<Work>(work), std::forward<Args>(args)...);
    }

    // Runs `work` to its end here and returns its outcome; the calling thread sleeps meanwhile.
    // Throws would_deadlock on a thread that runs fibers.
    template <class Work, class... Args>
    auto run(Work&& work, Args&&... args) {
        detail::throw_if_on_worker();
        auto root = spawn(std::forward<Work>(work), std::forward<Args>(args)...);
        auto& state = root.get_state();
        state.observe();
        state.cell().wait();
        auto& end = state.cell().end();
        return std::remove_reference_t<decltype(end)>(std::move(end));
    }

    // Work posted before shutdown() is called is run, and what fibers post that it still waits for.
    // Other threads that post at the same time may come too late; later, nothing may be posted.
    // Work that posts itself should return then: it is looked for when it has.
    void post(runnable& work) noexcept override { core_.post(work); }
    void arm(timer& t, time_point deadline) noexcept override { core_.arm(t, deadline); }
    void disarm(timer& t) noexcept override { core_.disarm(t); }

private:
    struct quiet_signal final : detail::nursery_waiter {
        detail::parker arrived;
        void nursery_quiet() noexcept override { arrived.unpark(); }
    };

    void work(unsigned worker) noexcept {
        detail::worker_scope const scope{*this};
        core_.run(worker);
    }

    // Each worker goes on until it finds nothing; what other threads still posted is run here.
    void stop() noexcept {
        core_.stop();
        for (unsigned i = 0; i < thread_count(); ++i) {
            if (threads_[i].joinable()) {
                threads_[i].join();
            }
        }
        detail::worker_scope const scope{*this};
        core_.finish();
    }

    detail::pool_core core_;
    std::unique_ptr<std::thread[]> threads_;
    std::mutex shutdown_;
};

} // namespace coir::inline v0
