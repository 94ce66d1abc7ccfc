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

#include <coir/detail/pool_worker.hpp>
#include <coir/detail/shared_queue.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/fiber.hpp>
#include <coir/runtime/scheduler.hpp>
#include <coir/runtime/timer_queue.hpp>

#include <memory>
#include <mutex>

namespace coir::inline v0 {

class thread_pool final : public scheduler {
public:
    // Starts `threads` threads, at least one. Throws std::system_error if the system refuses.
    explicit thread_pool(unsigned threads = std::thread::hardware_concurrency())
        : count_{(std::max)(threads, 1U)}, workers_{std::make_unique<detail::pool_worker[]>(count_)} {
        try {
            for (unsigned i = 0; i < count_; ++i) {
                start(workers_[i], i);
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

    unsigned thread_count() const noexcept { return count_; }

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

    // Work posted before shutdown() has returned is run; later, nothing may be posted.
    void post(runnable& work) noexcept override {
        detail::pool_worker* const me = detail::this_pool_worker();
        if (me != nullptr && me->pool == this) {
            post_here(*me, work);
        } else {
            // From the push on the work may run and the pool end, which waits for us here. The
            // increment is before the push for those who see the work; release: the last access.
            posting_.fetch_add(1, std::memory_order_relaxed);
            shared_.push(work);
            idle_.notify();
            posting_.fetch_sub(1, std::memory_order_release);
        }
    }

    void arm(timer& t, time_point deadline) noexcept override {
        if (timers_.arm(t, deadline)) {
            idle_.lower_deadline(deadline);
        }
    }
    void disarm(timer& t) noexcept override { timers_.disarm(t); }

private:
    // Budgets, in pieces of work.
    static constexpr std::uint32_t newest_in_a_row = 32; // then the oldest of this worker
    static constexpr std::uint32_t shared_every = 61;    // a prime: in step with no pattern of posts
    static constexpr std::uint32_t timers_every = 16;
    static constexpr int search_rounds = 8; // before a searcher goes to sleep

    struct quiet_signal final : detail::nursery_waiter {
        detail::parker arrived;
        void nursery_quiet() noexcept override { arrived.unpark(); }
    };

    void start(detail::pool_worker& w, unsigned index) {
        w.pool = this;
        w.random = index + 1;
        w.thread = std::thread{[this, &w] { work(w); }};
    }

    void work(detail::pool_worker& me) noexcept {
        detail::this_pool_worker() = &me;
        detail::worker_scope const scope{*this};
        while (runnable* const next = find_work(me)) {
            me.running = next;
            execute(*next);
            me.running = nullptr;
        }
    }

    void post_here(detail::pool_worker& me, runnable& work) noexcept {
        bool const again = &work == me.running;
        if (again) {
            shared_.push(work);
        } else if (!me.ready.push(work)) {
            detail::runnable_queue batch;
            me.ready.take_half(batch);
            batch.push(work);
            shared_.push_all(batch);
        }
        // Between two pieces of work (in a timer) this worker looks itself, and then notifies if
        // there is more. So it does if the work that yields is all there is to do here.
        if (me.running != nullptr && !(again && me.ready.empty())) {
            idle_.notify();
        }
    }

    // The next piece of work, however long that takes; null: the pool stops.
    runnable* find_work(detail::pool_worker& me) noexcept {
        ++me.tick;
        if (me.tick % timers_every == 0 && run_due_timers()) {
            idle_.notify();
        }
        if (me.tick % shared_every == 0) {
            if (runnable* const work = shared_.pop()) {
                return work;
            }
        }
        runnable* const work = take_own(me);
        return work != nullptr ? work : wait_for_work(me);
    }

    static runnable* take_own(detail::pool_worker& me) noexcept {
        if (++me.newest_in_a_row <= newest_in_a_row) {
            return me.ready.pop();
        }
        me.newest_in_a_row = 0;
        return me.ready.steal();
    }

    runnable* wait_for_work(detail::pool_worker& me) noexcept {
        for (bool posted = false;;) {
            posted = run_due_timers() || posted;
            runnable* const work = look_around(me);
            if (work != nullptr || stopping_.load(std::memory_order_acquire)) {
                leave_idle(me, posted);
                return work;
            }
            idle_.enlist(me);
            if (!is_work_published() && !stopping_.load(std::memory_order_acquire)) {
                idle_.sleep(me);
            }
            idle_.delist(me);
        }
    }

    runnable* look_around(detail::pool_worker& me) noexcept {
        runnable* work = me.ready.pop(); // timers that are due posted it
        if (work == nullptr) {
            work = shared_.pop();
        }
        if (work == nullptr && idle_.try_search(me)) {
            for (int round = 0; work == nullptr && round < search_rounds; ++round) {
                work = search(me);
            }
        }
        return work;
    }

    // One round of all others, from a random one on, and then the shared queue.
    runnable* search(detail::pool_worker& me) noexcept {
        me.random += detail::splitmix_step;
        auto const first = detail::mix64(me.random) % count_;
        for (unsigned i = 0; i < count_; ++i) {
            if (runnable* const work = workers_[(first + i) % count_].ready.steal()) {
                return work;
            }
        }
        COIR_CPU_PAUSE();
        return shared_.pop();
    }

    // The two things that a worker which stops being idle owes to those that stay so.
    void leave_idle(detail::pool_worker& me, bool posted) noexcept {
        bool const searched = me.searching;
        if (searched) {
            idle_.end_search(me);
        }
        if ((searched || posted) && is_work_published()) {
            idle_.notify();
        }
        idle_.appoint_keeper();
    }

    bool is_work_published() const noexcept {
        if (!shared_.empty()) {
            return true;
        }
        for (unsigned i = 0; i < count_; ++i) {
            if (!workers_[i].ready.empty()) {
                return true;
            }
        }
        return false;
    }

    // True: a timer was due, and may have posted work here.
    bool run_due_timers() noexcept {
        time_point const due = idle_.deadline();
        if (due == timer_queue::never) {
            return false;
        }
        time_point const at = now();
        if (due > at) {
            return false;
        }
        idle_.forget_deadline();
        bool const any = timers_.run_expired(at);
        idle_.lower_deadline(timers_.next_deadline());
        return any;
    }

    // Each worker goes on until it finds nothing; what other threads still posted is run here.
    void stop() noexcept {
        stopping_.store(true, std::memory_order_release); // the lock in wake_all() orders the rest
        idle_.wake_all();
        for (unsigned i = 0; i < count_; ++i) {
            if (workers_[i].thread.joinable()) {
                workers_[i].thread.join();
            }
        }
        while (posting_.load(std::memory_order_acquire) != 0) {
            std::this_thread::yield();
        }
        detail::worker_scope const scope{*this};
        while (runnable* const work = shared_.pop()) {
            execute(*work);
        }
    }

    unsigned const count_;
    std::unique_ptr<detail::pool_worker[]> workers_;
    detail::idle_workers idle_;
    detail::shared_queue shared_;
    timer_queue timers_;
    detail::atomic<bool> stopping_{false};
    alignas(detail::cache_line) detail::atomic<std::uint32_t> posting_{0};
    std::mutex shutdown_;
};

} // namespace coir::inline v0
