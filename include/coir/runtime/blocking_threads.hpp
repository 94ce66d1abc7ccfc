// Threads for calls that block, so that they stop no worker: as many as are needed, up to a bound.
//
//     blocking_threads::shared().submit(job);        // job.run(job) is called on one of them
//
//     blocking_threads own{{.most = 4, .idle = 1s}};
//     own.submit(job);
//
// A thread starts when a job finds none idle, and ends when it has been idle for a while. At the
// bound, jobs wait their turn in order.
#pragma once

#include <coir/detail/config.hpp>
#include <coir/detail/runnable.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/detail/std/chrono.hpp>

#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace coir::inline v0 {

struct blocking_threads_options {
    std::size_t most = 64;                // threads at a time, at least one
    std::chrono::milliseconds idle{5000}; // how long one stays without a job
};

class blocking_threads {
public:
    explicit blocking_threads(blocking_threads_options options = {}) : options_{options} {}
    blocking_threads(blocking_threads const&) = delete;
    blocking_threads& operator=(blocking_threads const&) = delete;

    // Runs what was submitted, and waits for it. Not on one of its threads.
    ~blocking_threads() { stop(); }

    // The ones that the library uses. They end at the exit of the process, when the statics made
    // before the first call are still alive; a job that blocks for ever holds up the exit. The
    // object itself is never destroyed: a static of an earlier date may still submit, and the
    // job then runs on its own thread.
    COIR_SHARED static blocking_threads& shared() {
        static blocking_threads& threads = *new blocking_threads;
        struct at_exit {
            ~at_exit() { threads.stop(); }
        };
        static at_exit const guard;
        static_cast<void>(guard);
        return threads;
    }

    // Any thread. Throws std::system_error or std::bad_alloc, and has not taken the job, if there
    // is no thread and the system gives none. O(1).
    void submit(detail::runnable& job) {
        std::unique_lock lock{mutex_};
        if (stopping_) {
            lock.unlock();
            job.run(job);
            return;
        }
        if (waiting_ >= idle_ && running_.size() < (std::max)(options_.most, std::size_t{1})) {
            grow();
        }
        jobs_.push(job);
        ++waiting_;
        thread_list ended = std::move(ended_);
        ended_.clear();
        arrived_.notify_one(); // under the lock: once it is released the job may run and all this end
        lock.unlock();
        join(ended);
    }

    // Threads that run or wait, for diagnostics.
    std::size_t thread_count() const {
        std::lock_guard lock{mutex_};
        return running_.size();
    }

private:
    using thread_list = std::list<std::thread>;

    // With the lock. A refusal is an error only where no thread is left that will run the job.
    void grow() {
        try {
            running_.emplace_back();
            auto const self = std::prev(running_.end());
            *self = std::thread{[this, self] { work(self); }};
        } catch (...) {
            if (!running_.empty() && !running_.back().joinable()) {
                running_.pop_back();
            }
            if (running_.empty()) {
                throw;
            }
        }
    }

    void work(thread_list::iterator self) noexcept {
        std::unique_lock lock{mutex_};
        while (detail::runnable* const job = next_job(lock)) {
            lock.unlock();
            job->run(*job);
            lock.lock();
        }
        ended_.splice(ended_.end(), running_, self);
        ended_one_.notify_all();
    }

    // Null: none came for the idle time, or the end is near and all are done.
    detail::runnable* next_job(std::unique_lock<std::mutex>& lock) {
        if (jobs_.empty() && !stopping_) {
            ++idle_;
            arrived_.wait_for(lock, options_.idle, [this] { return !jobs_.empty() || stopping_; });
            --idle_;
        }
        detail::runnable* const job = jobs_.pop();
        waiting_ -= job != nullptr ? 1U : 0U;
        return job;
    }

    void stop() noexcept {
        thread_list ended;
        {
            std::unique_lock lock{mutex_};
            stopping_ = true;
            arrived_.notify_all();
            ended_one_.wait(lock, [this] { return running_.empty(); });
            ended.splice(ended.end(), ended_);
        }
        join(ended);
    }

    static void join(thread_list& ended) noexcept {
        for (std::thread& t : ended) {
            t.join();
        }
    }

    blocking_threads_options const options_;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::condition_variable ended_one_;
    detail::runnable_queue jobs_;
    std::size_t waiting_ = 0; // jobs in the queue
    std::size_t idle_ = 0;    // threads that wait for one
    bool stopping_ = false;
    thread_list running_;
    thread_list ended_; // to be joined
};

} // namespace coir::inline v0
