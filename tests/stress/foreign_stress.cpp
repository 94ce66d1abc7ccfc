// Foreign awaitables and on() on several threads: a resumption races a cancellation, which races
// the fiber's way into the wait. Each await ends once, and what completed is not lost.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/on.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/time.hpp>

#include "support/another_library.hpp"
#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using coir::task;

namespace {

void wait_for_end(coir::fiber<> const& f) { f.get_state().cell().wait(); }

// Spins a little, so that two threads meet in ever other ways.
void dawdle(unsigned turns) {
    for (unsigned i = 0; i < turns; ++i) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
}

// Two threads go on together: starting one takes longer than what is raced.
class meeting {
public:
    void meet() {
        ++arrived_;
        while (arrived_.load() < 2) {
            std::this_thread::yield();
        }
    }

private:
    std::atomic<int> arrived_{0};
};

// Cannot give up, but is told; its result is 1.
class stubborn {
public:
    explicit stubborn(another::event& e) noexcept : waiting_{e} {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) noexcept { return waiting_.await_suspend(h); }
    int await_resume() noexcept {
        waiting_.await_resume();
        return 1;
    }
    bool await_cancel() noexcept {
        asked.fetch_add(1);
        return false;
    }
    std::atomic<int> asked{0};

private:
    another::event::waiting waiting_;
};

// Rounds of: somebody sets the event, somebody interrupts, and the fiber may not even wait yet.
template <class Await>
void race_rounds(coir::scheduler& s, unsigned rounds, Await await) {
    std::minstd_rand dice{7};
    unsigned wrong = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        another::event e;
        std::atomic<bool> completed{false};
        auto const work = [&]() -> task<> {
            co_await await(e);
            completed = true;
        };
        e.pause = i % 2'000;
        unsigned const late = static_cast<unsigned>(dice() >> 8U) % 2'000;
        auto const f = coir::detail::start_fiber(s, s.fibers(), nullptr, coir::fork_options{}, work);
        meeting both;
        std::thread sets{[&] {
            both.meet();
            dawdle(late);
            e.set();
        }};
        while (i % 4 != 0 && !e.has_waiter()) {
            std::this_thread::yield();
        }
        both.meet();
        dawdle(2'000 - late);
        f.request_interrupt();
        wait_for_end(f);
        sets.join();
        // One of: it never began, it gave up, it completed. The awaiter resumed as often as that.
        bool const consistent = f.poll()->is_interrupted() || f.poll()->is_success();
        wrong += consistent && e.resumed == (completed ? 1 : 0) ? 0U : 1U;
    }
    CHECK(wrong == 0);
}

} // namespace

TEST_CASE("foreign awaits: resumption against cancellation, which gives up [I18, I20]") {
    coir::thread_pool pool{2};
    race_rounds(pool, 3'000 * coir_test::stress_scale(), [](another::event& e) { return e.cancellable(); });
}

TEST_CASE("foreign awaits: resumption against cancellation, which waits [I18, I20]") {
    coir::thread_pool pool{2};
    race_rounds(pool, 3'000 * coir_test::stress_scale(), [](another::event& e) -> task<int> {
        stubborn waits{e};
        co_return co_await waits;
    });
}

TEST_CASE("foreign awaits: a fiber of a loop, resumed and interrupted from other threads [I20]") {
    coir::run_loop loop;
    auto const rounds = 2'000 * coir_test::stress_scale();
    unsigned wrong = 0;
    auto const driver = [&]() -> task<> {
        for (unsigned i = 0; i < rounds; ++i) {
            another::event e;
            e.pause = i % 2'000;
            meeting both;
            bool completed = false;
            auto const work = [&]() -> task<> {
                co_await e.cancellable();
                completed = true;
            };
            auto const f = coir::fork(work);
            std::thread sets{[&] {
                both.meet();
                e.set();
            }};
            std::thread interrupts{[&] {
                both.meet();
                dawdle(i % 1'500);
                f.request_interrupt();
            }};
            co_await f.await();
            sets.join();
            interrupts.join();
            wrong += e.resumed == (completed ? 1 : 0) ? 0U : 1U;
        }
    };
    CHECK(loop.run(driver).is_success());
    CHECK(wrong == 0);
}

TEST_CASE("foreign awaits: time limits that expire as the result comes [R9]") {
    coir::thread_pool pool{2};
    auto const rounds = 1'000 * coir_test::stress_scale();
    std::atomic<unsigned> wrong{0};
    auto const round = [&](unsigned i) -> task<> {
        auto const e = std::make_shared<another::event>();
        e->pause = i % 3'000;
        auto const sets = [](std::shared_ptr<another::event> to, unsigned turns) -> task<> {
            dawdle(turns);
            to->set();
            co_return;
        };
        auto const setter = coir::fork(sets, e, i % 1'000);
        bool const in_time = co_await coir::timeout(e->cancellable(), std::chrono::microseconds(i % 50));
        wrong += e->resumed == (in_time ? 1 : 0) ? 0U : 1U;
        co_await setter;
    };
    auto const all = [&]() -> task<> {
        for (unsigned i = 0; i < rounds; ++i) {
            co_await coir::when_all(round(i), round(i + 7));
        }
    };
    CHECK(pool.run(all).is_success());
    CHECK(wrong == 0);
}

TEST_CASE("on: two pools, to and fro, interrupted at any time") {
    auto const rounds = 500 * coir_test::stress_scale();
    std::atomic<int> opened{0};
    std::atomic<int> closed{0};
    coir::thread_pool here{2};
    for (unsigned i = 0; i < rounds; ++i) {
        coir::thread_pool there{1};
        auto const cleans = [&]() -> task<> {
            co_await coir::yield();
            ++closed;
        };
        auto const leaf = [&]() -> task<int> {
            ++opened;
            co_await coir::ensuring(coir::sleep_for(std::chrono::microseconds(i % 100)), cleans);
            co_return co_await coir::on(here, coir::checkpoint() | coir::transform([] { return 1; }));
        };
        auto const f = here.spawn([&]() -> task<> {
            for (int turn = 0; turn < 10; ++turn) {
                static_cast<void>(co_await coir::as_outcome(coir::on(there, leaf())));
            }
        });
        dawdle(i * 37 % 5'000);
        if (i % 3 == 0) {
            f.request_interrupt();
        } else if (i % 3 == 1) {
            there.shutdown();
        }
        wait_for_end(f);
        CHECK(f.poll()->is_success() == (i % 3 != 0 || !f.poll()->is_interrupted()));
    }
    CHECK(opened == closed);
}
