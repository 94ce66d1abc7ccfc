// A scheduler for tests: one thread, virtual time, and an order of fibers that a seed decides.
//
//     coir::test_scheduler s{seed};                      // test_scheduler{}: first in, first out
//     coir::outcome<int> end = s.run(work);              // time advances by itself
//     auto f = s.start(sleeper);                         // or by hand:
//     s.advance(9h);                                     // visits each deadline in between
//     CHECK(f.poll() == nullptr);
//
// The ready queue is always drained before time moves. The schedule is a function of the seed
// and the program alone, so a seed that fails fails again. Sleeping takes no real time.
#pragma once

#include <coir/detail/deadline.hpp>
#include <coir/detail/splitmix.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/dump.hpp>
#include <coir/fiber.hpp>
#include <coir/runtime/timer_queue.hpp>
#include <coir/testing/deadlock.hpp>
#include <coir/testing/external.hpp>
#include <coir/testing/ready_choice.hpp>
#include <coir/testing/virtual_clock.hpp>

#include <concepts>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>

namespace coir::inline v0 {

// What drives it (run, run_until, run_ready, advance, interrupt_all) throws would_deadlock on a
// thread that runs fibers - a fiber moves time by sleeping - and is serialised between threads.
// Everything else may be called from any thread, posts above all; but what comes from other
// threads comes when it comes, and then the schedule is no function of the seed.
//
// A driver that finds that it can never end throws deadlock_error or livelock_error, with a line
// for each fiber, after it has interrupted all of them and run them to their ends.
class test_scheduler : public scheduler, private detail::nursery_waiter {
public:
    // Runs what is ready in the order in which it became ready.
    test_scheduler() : test_scheduler{std::optional<std::uint64_t>{}} {}
    // Runs next, of what is ready, one that is drawn from `seed`, each with the same probability.
    explicit test_scheduler(std::uint64_t seed) : test_scheduler{std::optional{seed}} {}

    // Interrupts what still runs and runs it to its end; aborts, with the report, if it has none.
    ~test_scheduler() override {
        fibers().close();
        detail::worker_scope const scope{*this};
        if (ending const e = end_fibers(); e != ending::done) {
            std::fputs(report(e).c_str(), stderr);
            std::abort();
        }
    }

    // Runs `work` to its end and returns its outcome. Whenever nothing is ready, time jumps to
    // the next deadline. Then interrupts the daemons and what was started, and runs until they
    // have ended.
    template <class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    auto run(Work&& work, Args&&... args) {
        driver const driving{*this};
        auto root = start(std::forward<Work>(work), std::forward<Args>(args)...);
        expect_done(drive([&] { return root.poll() != nullptr; }, [&] { return move_on(); }));
        expect_done(end_fibers());
        auto& end = root.get_state().cell().end();
        return std::remove_reference_t<decltype(end)>(std::move(end));
    }

    // Starts `work` as a fiber, which runs when something drives the scheduler. Any thread.
    template <class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    auto start(fork_options options, Work&& work, Args&&... args) {
        return detail::start_fiber(*this, fibers(), nullptr, options, std::forward<Work>(work),
                                   std::forward<Args>(args)...);
    }
    template <class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    auto start(Work&& work, Args&&... args) {
        return start(fork_options{}, std::forward<Work>(work), std::forward<Args>(args)...);
    }

    // Runs what is ready, and what that makes ready, until nothing is. Time stands still.
    void run_ready() {
        driver const driving{*this};
        drain_until(now());
    }

    // Moves time by `d`, stopping at each deadline up to and at the new time: those of a moment
    // expire in the order in which they were armed, and what they wake runs before time goes on.
    // What is ready runs first. Throws std::invalid_argument if `d` is negative.
    template <class Rep, class Period>
    void advance(std::chrono::duration<Rep, Period> d) {
        driver const driving{*this};
        if (d < d.zero()) {
            throw std::invalid_argument{"coir: time does not go backwards"};
        }
        time_point const until = detail::deadline_after(now(), d);
        drain_until(until);
        clock_.set(until);
    }

    // Runs until `done()` is true, looked at after every step; time advances by itself.
    template <class Done>
        requires std::predicate<Done&>
    void run_until(Done done) {
        driver const driving{*this};
        expect_done(drive(done, [&] { return move_on(); }));
    }

    // Interrupts every fiber and runs them to their ends; time advances by itself.
    void interrupt_all() {
        driver const driving{*this};
        expect_done(end_fibers());
    }

    // While the result exists, a run in which nothing can happen waits for a post from another
    // thread instead of throwing deadlock_error. Deadlines come first: time does not wait for
    // the other thread, unless it is moved by hand.
    expected_external expect_external() { return expected_external{inbox_}; }

    time_point now() const noexcept override { return clock_.now(); }
    // Since the scheduler was made.
    time_point::duration elapsed() const noexcept { return clock_.elapsed(); }
    std::chrono::system_clock::time_point system_now() const noexcept override { return clock_.system_now(); }
    // Forwards or backwards; the steady clock and all deadlines stay as they are.
    void set_system_time(std::chrono::system_clock::time_point t) noexcept { clock_.set_system(t); }

    // A function of the seed and of how often it was called.
    std::uint64_t random() noexcept override {
        return detail::mix64(random_state_.fetch_add(detail::splitmix_step, std::memory_order_relaxed));
    }

    // For a driver that takes this many turns a livelock_error is thrown.
    void set_turn_limit(std::uint64_t turns) noexcept { turn_limit_ = turns; }

    // Nothing for first-in-first-out.
    std::optional<std::uint64_t> seed() const noexcept { return seed_; }
    // Of the choices so far: how many were ready, and which one ran. Two runs of a program have
    // the same hash if, and practically only if, its fibers ran in the same order.
    std::uint64_t schedule_hash() const noexcept { return ready_.hash(); }
    // How often a fiber was chosen to run.
    std::uint64_t steps() const noexcept { return ready_.taken(); }

    void post(runnable& work) noexcept override { inbox_->post(work); }
    void arm(timer& t, time_point deadline) noexcept override {
        if (timers_.arm(t, deadline)) {
            inbox_->nudge();
        }
    }
    void disarm(timer& t) noexcept override { timers_.disarm(t); }

private:
    enum class ending { done, deadlock, livelock };

    explicit test_scheduler(std::optional<std::uint64_t> seed)
        : seed_{seed}, ready_{seed}, random_state_{detail::mix64(~seed.value_or(0))} {}

    // The thread that drives, one at a time.
    class driver {
    public:
        explicit driver(test_scheduler& s) : alone_{lock(s)}, scope_{s} {}

    private:
        static std::unique_lock<std::mutex> lock(test_scheduler& s) {
            detail::throw_if_on_worker();
            return std::unique_lock{s.driving_};
        }
        std::unique_lock<std::mutex> alone_;
        detail::worker_scope scope_;
    };

    void nursery_quiet() noexcept override { quiet_ = true; }

    // Runs what is ready, and `idle` when nothing is, until `done`. Idle returns whether it
    // could make something happen.
    template <class Done, class Idle>
    ending drive(Done&& done, Idle idle) {
        for (std::uint64_t turns = 0; !done(); ++turns) {
            if (turns == turn_limit_) {
                return ending::livelock;
            }
            if (!run_one() && !idle()) {
                return ending::deadlock;
            }
        }
        return ending::done;
    }

    bool run_one() {
        detail::runnable_queue posted;
        inbox_->collect(posted);
        ready_.add(posted);
        runnable* const next = ready_.take();
        if (next == nullptr) {
            return false;
        }
        execute(*next);
        return true;
    }

    bool move_on() noexcept {
        return expire_until(timer_queue::never) ||
               inbox_->wait([&] { return timers_.next_deadline() != timer_queue::never; });
    }

    // Goes to the next deadline, unless that is after `last`.
    bool expire_until(time_point last) noexcept {
        time_point const next = timers_.next_deadline();
        if (next == timer_queue::never || next > last) {
            return false;
        }
        clock_.set((std::max)(next, now()));
        timers_.run_expired(now());
        return true;
    }

    void drain_until(time_point last) {
        if (drive([] { return false; }, [&] { return expire_until(last); }) == ending::livelock) {
            give_up(ending::livelock);
        }
    }

    // Again as long as it gets anywhere: a finalizer may have forked a daemon meanwhile.
    ending end_fibers() {
        for (;;) {
            std::uint64_t const before = steps();
            fibers().interrupt(fiber_id{});
            quiet_ = fibers().wait(*this);
            ending const e = drive([&] { return quiet_; }, [&] { return move_on(); });
            if (e != ending::deadlock || steps() == before) {
                return e;
            }
        }
    }

    void expect_done(ending e) {
        if (e != ending::done) {
            give_up(e);
        }
    }

    [[noreturn]] void give_up(ending why) {
        std::string text = report(why);
        if (ending const after = end_fibers(); after != ending::done) {
            text.append("and when all had been interrupted:\n").append(report(after));
        }
        if (why == ending::deadlock) {
            throw deadlock_error{text};
        }
        throw livelock_error{text};
    }

    std::string report(ending why) {
        auto const at = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed()).count();
        std::string text = why == ending::deadlock ? "coir: deadlock at " : "coir: livelock at ";
        text.append(std::to_string(at)).append(" ms: ");
        text.append(why == ending::deadlock ? "nothing is ready, no deadline is armed, nothing external is expected\n"
                                            : "no end after " + std::to_string(turn_limit_) + " turns\n");
        detail::describe_all(text, snapshot(*this), 1);
        return text;
    }

    std::optional<std::uint64_t> seed_;
    std::mutex driving_;
    // Shared with those who promised to post, and may keep their promise after our end.
    std::shared_ptr<detail::inbox> inbox_ = std::make_shared<detail::inbox>();
    detail::ready_choice ready_;
    timer_queue timers_;
    virtual_clock clock_;
    detail::atomic<std::uint64_t> random_state_;
    std::uint64_t turn_limit_ = 10'000'000;
    bool quiet_ = false;
};

} // namespace coir::inline v0
