// What the workers of a thread pool share: posted work, timers, and how the idle learn of either.
//
//     pool_core core{workers};
//     core.post(work);                  // any thread
//     core.run(0);                      // the thread of worker 0: runs work until stop()
//     core.stop();                      // any thread; afterwards join the workers' threads
//     core.finish();                    // runs what other threads posted meanwhile
//
// Of posted work someone is always about to look for it: see idle_workers.hpp. Here are the two
// duties that it speaks of, in wait_for_work() and leave_idle().
#pragma once

#include <coir/detail/pool_worker.hpp>
#include <coir/detail/relax.hpp>
#include <coir/detail/shared_queue.hpp>
#include <coir/detail/splitmix.hpp>
#include <coir/runtime/timer_queue.hpp>

#include <memory>

namespace coir::inline v0::detail {

class pool_core {
public:
    using time_point = timer_queue::time_point;

    explicit pool_core(unsigned workers, int search_rounds = 8)
        : count_{workers}, search_rounds_{search_rounds}, workers_{std::make_unique<pool_worker[]>(workers)} {
        for (unsigned i = 0; i < count_; ++i) {
            workers_[i].pool = this;
            workers_[i].random = i + 1;
        }
    }

    unsigned worker_count() const noexcept { return count_; }

    // Any thread. What comes at the same time as finish() may be left; later, nothing may be posted.
    void post(runnable& work) noexcept {
        pool_worker* const me = this_pool_worker();
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

    void arm(timer& t, time_point deadline) noexcept {
        if (timers_.arm(t, deadline)) {
            idle_.lower_deadline(deadline);
        }
    }
    void disarm(timer& t) noexcept { timers_.disarm(t); }

    // Runs work on this thread until there is none and the pool stops.
    void run(unsigned worker) noexcept {
        pool_worker& me = workers_[worker];
        this_pool_worker() = &me;
        while (runnable* const next = find_work(me)) {
            me.running = next;
            next->run(*next);
            me.running = nullptr;
        }
        this_pool_worker() = nullptr; // destructors of the thread's own objects post as others do
    }

    // Lets each worker go on until it finds nothing.
    void stop() noexcept {
        stopping_.store(true, std::memory_order_release); // the lock in wake_all() orders the rest
        idle_.wake_all();
    }

    // When the workers have ended: waits for those who still post, and runs what they posted.
    void finish() noexcept {
        for (unsigned attempt = 0; posting_.load(std::memory_order_acquire) != 0; ++attempt) {
            relax(attempt);
        }
        while (runnable* const work = shared_.pop()) {
            work->run(*work);
        }
    }

private:
    // Budgets, in pieces of work.
    static constexpr std::uint32_t newest_in_a_row = 32; // then the oldest of this worker
    static constexpr std::uint32_t shared_every = 61;    // a prime: in step with no pattern of posts
    static constexpr std::uint32_t timers_every = 16;

    void post_here(pool_worker& me, runnable& work) noexcept {
        bool const again = &work == me.running;
        if (again) {
            shared_.push(work);
        } else if (!me.ready.push(work)) {
            runnable_queue batch;
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
    runnable* find_work(pool_worker& me) noexcept {
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

    static runnable* take_own(pool_worker& me) noexcept {
        if (++me.newest_in_a_row <= newest_in_a_row) {
            return me.ready.pop();
        }
        me.newest_in_a_row = 0;
        return me.ready.steal();
    }

    runnable* wait_for_work(pool_worker& me) noexcept {
        // Whether there may be more than it takes, for which nobody wakes those who sleep.
        for (bool more = false;;) {
            more = run_due_timers() || more;
            runnable* const work = look_around(me, more);
            if (work != nullptr || stopping_.load(std::memory_order_acquire)) {
                leave_idle(me, more);
                return work;
            }
            idle_.enlist(me);
            more = is_work_published(); // posted while this worker was the searcher, perhaps
            if (!more && !stopping_.load(std::memory_order_acquire)) {
                idle_.sleep(me);
            }
            idle_.delist(me);
        }
    }

    // Who has seen work takes it though another one searches. That one may just have been woken, and
    // until it has a processor this one would enlist and look again, over and over.
    runnable* look_around(pool_worker& me, bool has_seen_some) noexcept {
        runnable* work = me.ready.pop(); // timers that are due posted it
        if (work == nullptr) {
            work = shared_.pop();
        }
        if (work == nullptr && (idle_.try_search(me) || has_seen_some)) {
            for (int round = 0; work == nullptr && round < search_rounds_; ++round) {
                if (round > 0) {
                    COIR_CPU_PAUSE();
                }
                work = search(me);
            }
        }
        return work;
    }

    // One round of all others, from a random one on, and then the shared queue.
    runnable* search(pool_worker& me) noexcept {
        me.random += splitmix_step;
        auto const first = mix64(me.random) % count_;
        for (unsigned i = 0; i < count_; ++i) {
            if (runnable* const work = workers_[(first + i) % count_].ready.steal()) {
                return work;
            }
        }
        return shared_.pop();
    }

    // The two things that a worker which stops being idle owes to those that stay so.
    void leave_idle(pool_worker& me, bool more) noexcept {
        bool const searched = me.searching;
        if (searched) {
            idle_.end_search(me);
        }
        if ((searched || more) && is_work_published()) {
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
        time_point const at = std::chrono::steady_clock::now();
        if (due > at) {
            return false;
        }
        idle_.forget_deadline();
        return timers_.run_expired(at, [this](time_point next) { idle_.lower_deadline(next); });
    }

    unsigned const count_;
    int const search_rounds_; // before a searcher goes to sleep
    std::unique_ptr<pool_worker[]> workers_;
    idle_workers idle_;
    shared_queue shared_;
    timer_queue timers_;
    atomic<bool> stopping_{false};
    alignas(cache_line) atomic<std::uint32_t> posting_{0};
};

} // namespace coir::inline v0::detail
