// The abstract scheduler: where fibers run, what time it is, and who watches deadlines.
//
//     class my_loop : public coir::scheduler {
//         void post(coir::runnable& work) noexcept override { push_and_wake(work); }
//         void arm(coir::timer& t, time_point at) noexcept override { if (timers_.arm(t, at)) wake(); }
//         void disarm(coir::timer& t) noexcept override { timers_.disarm(t); }
//     };
//
// A loop of your own (a GUI's, say) pops what was posted, passes each to execute() on its
// thread, and calls timer_queue::run_expired() when a deadline is due. Before it is destroyed,
// it must interrupt its fibers and run until fibers() is empty.
#pragma once

#include <coir/detail/nursery.hpp>
#include <coir/detail/runnable.hpp>
#include <coir/detail/splitmix.hpp>
#include <coir/detail/std/chrono.hpp>
#include <coir/detail/worker.hpp>
#include <coir/runtime/timer.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace coir::inline v0 {

using detail::runnable;

// A blocking call (run, sync_wait, wait, shutdown) was made on a thread that runs fibers, where
// it would stop all of them.
class would_deadlock : public std::logic_error {
public:
    would_deadlock() : std::logic_error{"coir: a blocking call on a thread that runs fibers"} {}
};

// fork or another operation of the current fiber was called outside any fiber.
class not_in_a_fiber : public std::logic_error {
public:
    not_in_a_fiber() : std::logic_error{"coir: not called from a fiber"} {}
};

// The end of a fiber that nobody ever looked at.
struct unhandled_outcome {
    fiber_id id;
    std::string_view name;
    std::exception_ptr defect; // or what a finalizer threw in an interrupted fiber; null: a typed failure
};

class scheduler {
public:
    using time_point = timer::time_point;

    scheduler() = default;
    scheduler(scheduler const&) = delete;
    scheduler& operator=(scheduler const&) = delete;
    virtual ~scheduler() = default;

    // Queues `work`. Any thread, lock-free or a short lock; `work` may be gone on return.
    virtual void post(runnable& work) noexcept = 0;

    // Watches a deadline, or stops to. Any thread. See timer_queue, which does both.
    virtual void arm(timer& t, time_point deadline) noexcept = 0;
    virtual void disarm(timer& t) noexcept = 0;

    virtual time_point now() const noexcept { return std::chrono::steady_clock::now(); }
    virtual std::chrono::system_clock::time_point system_now() const noexcept {
        return std::chrono::system_clock::now();
    }

    // The source of every random choice of the library (jitter, orders). Any thread.
    virtual std::uint64_t random() noexcept;

    // A fiber failed or died and its outcome was never looked at. Any thread.
    virtual void on_unhandled(unhandled_outcome const& what) noexcept;

    // The fibers without a parent: spawned ones and daemons.
    detail::nursery& fibers() noexcept { return fibers_; }

protected:
    // Runs one posted piece of work; call it on a thread of this scheduler.
    static void execute(runnable& work) noexcept { work.run(work); }

private:
    detail::nursery fibers_;
    detail::atomic<std::uint64_t> random_state_{0};
};

namespace detail {

inline void throw_if_on_worker() {
    if (this_worker().current != nullptr) {
        throw would_deadlock{};
    }
}

} // namespace detail

inline std::uint64_t scheduler::random() noexcept {
    // relaxed: each caller gets its own state; nothing else is published by it.
    auto const step = random_state_.fetch_add(detail::splitmix_step, std::memory_order_relaxed);
    auto const start = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    return detail::mix64(step ^ detail::mix64(start));
}

namespace detail {

inline void print_unhandled(unhandled_outcome const& what) noexcept {
    char const* text = "typed failure";
    try {
        if (what.defect) {
            std::rethrow_exception(what.defect);
        }
    } catch (std::exception const& e) {
        text = e.what();
    } catch (...) {
        text = "exception of an unknown type";
    }
    std::fprintf(stderr, "coir: unhandled end of fiber %llu%s%.*s: %s\n",
                 static_cast<unsigned long long>(what.id.value), what.name.empty() ? "" : " ",
                 static_cast<int>(what.name.size()), what.name.data(), text);
}

} // namespace detail

inline void scheduler::on_unhandled(unhandled_outcome const& what) noexcept { detail::print_unhandled(what); }

} // namespace coir::inline v0
