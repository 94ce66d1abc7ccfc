// std::stop_token, both ways.
#include <coir/interop/stop_token.hpp>

#include <catch2/catch.hpp>

#if defined(__cpp_lib_jthread)

#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/blocking.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/actors.hpp"
#include "support/effort.hpp"
#include "support/interrupt_everywhere.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <thread>

using namespace std::chrono_literals;
using coir::task;
using coir::test_scheduler;
using coir::with_stop_token;
using coir_test::failed;
using coir_test::never_ends;

namespace {

// Resumes with true when the token is stopped: what the awaitables of other libraries do with one.
class until_stopped {
public:
    explicit until_stopped(std::stop_token t) : token_{std::move(t)} {}
    until_stopped(until_stopped&& other) noexcept : token_{std::move(other.token_)} {}

    bool await_ready() const noexcept { return token_.stop_requested(); }
    void await_suspend(std::coroutine_handle<> h) { callback_.emplace(token_, resume{h}); }
    bool await_resume() const noexcept { return token_.stop_requested(); }

private:
    struct resume {
        std::coroutine_handle<> waiter;
        void operator()() const { waiter.resume(); }
    };
    std::stop_token token_;
    std::optional<std::stop_callback<resume>> callback_;
};

} // namespace

TEST_CASE("with_stop_token gives what its work gives") {
    auto const work = []() -> task<> {
        auto const value = [](std::stop_token t) -> task<int> {
            co_return t.stop_possible() && !t.stop_requested() ? 3 : 0;
        };
        int const n = co_await with_stop_token(value);
        CHECK(n == 3);
        auto const nothing = [](std::stop_token) -> task<> { co_return; };
        co_await with_stop_token(nothing);
        auto const fails = [](std::stop_token) -> task<int, failed> {
            co_await coir::fail(failed{4});
            co_return 0;
        };
        auto const r = co_await coir::as_result(with_stop_token(fails));
        CHECK(r.error().code == 4);
        auto const dies = [](std::stop_token) -> task<> {
            throw std::runtime_error{"died"};
            co_return;
        };
        auto const d = co_await coir::as_outcome(with_stop_token(dies));
        CHECK(d.is_defect());
        auto const throws = [](std::stop_token) -> task<> { throw std::runtime_error{"before it began"}; };
        auto const t = co_await coir::as_outcome(with_stop_token(throws));
        CHECK(t.is_defect());
    };
    test_scheduler s;
    CHECK(s.run(work).is_success());
}

TEST_CASE("the token is stopped when the fiber is interrupted, and reaches what is uninterruptible [I21]") {
    std::stop_token seen;
    bool stopped = false;
    auto const work = [&]() -> task<> {
        auto const waits = [&](std::stop_token t) -> task<bool> {
            seen = t;
            stopped = co_await until_stopped(t);
            co_return stopped;
        };
        co_await with_stop_token(waits);
    };
    test_scheduler s;
    auto const f = s.start(work);
    s.run_ready();
    CHECK_FALSE(seen.stop_requested());
    f.request_interrupt();
    s.run_ready();
    CHECK(seen.stop_requested());
    CHECK(stopped);
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("a time limit stops the token too, and only that of what it limits [I21]") {
    std::stop_token inner;
    std::stop_token outer;
    auto const work = [&]() -> task<bool> {
        auto const keeps_inner = [&](std::stop_token t) {
            inner = t;
            return until_stopped(t);
        };
        auto const keeps_outer = [&](std::stop_token t) -> task<bool> {
            outer = t;
            auto const in_time = co_await coir::timeout(with_stop_token(keeps_inner), 1s);
            co_return in_time.has_value();
        };
        co_return co_await with_stop_token(keeps_outer);
    };
    test_scheduler s;
    auto const end = s.run(work);
    CHECK(end.value()); // the foreign await completed, because it was stopped
    CHECK(inner.stop_requested());
    CHECK_FALSE(outer.stop_requested());
}

TEST_CASE("once the operation has ended, an interruption stops the token no more [I21]") {
    std::stop_token kept;
    auto const work = [&]() -> task<> {
        auto const keeps = [&](std::stop_token t) -> task<> {
            kept = t;
            co_return;
        };
        co_await with_stop_token(keeps);
        co_await never_ends();
    };
    test_scheduler s;
    auto const f = s.start(work);
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
    CHECK_FALSE(kept.stop_requested());
    CHECK_FALSE(kept.stop_possible());
}

TEST_CASE("a blocking call is told by its token [I21, I25]") {
    std::atomic<bool> running{false};
    auto const polls = [&](std::stop_token t) {
        running = true;
        while (!t.stop_requested()) {
            std::this_thread::yield();
        }
        return 5;
    };
    coir::thread_pool pool{2};
    auto const f = pool.spawn([&]() -> task<int> {
        auto const blocks = [&](std::stop_token t) { return coir::blocking(std::ref(polls), t); };
        co_return co_await with_stop_token(blocks);
    });
    while (!running) {
        std::this_thread::yield();
    }
    f.request_interrupt();
    f.get_state().cell().wait();
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("sync_wait, fork and run end interrupted when a token is stopped [I22]") {
    std::stop_source source;
    SECTION("from another thread") {
        std::atomic<bool> running{false};
        std::thread stops{[&] {
            while (!running) {
                std::this_thread::yield();
            }
            source.request_stop();
        }};
        auto const serve = [&]() -> task<int> {
            running = true;
            co_await never_ends();
            co_return 0;
        };
        auto const end = coir::sync_wait(source.get_token(), serve);
        stops.join();
        CHECK(end.is_interrupted());
    }
    SECTION("through run") {
        test_scheduler s;
        auto const stops = [&]() -> task<> {
            co_await coir::sleep_for(1s);
            source.request_stop();
        };
        static_cast<void>(s.start(stops));
        CHECK(s.run(coir::stopped_by(source.get_token(), never_ends)).is_interrupted());
        CHECK(s.elapsed() == 1s);
    }
    SECTION("through fork") {
        test_scheduler s;
        auto const parent = [&]() -> task<bool> {
            auto const child = coir::fork(source.get_token(), never_ends);
            co_await coir::yield();
            source.request_stop();
            auto const& end = co_await child.await();
            co_return end.is_interrupted();
        };
        CHECK(s.run(parent).value());
    }
    SECTION("stopped before it began") {
        source.request_stop();
        bool begun = false;
        auto const begins = [&]() -> task<> {
            begun = true;
            co_return;
        };
        test_scheduler s;
        CHECK(s.run(coir::stopped_by(source.get_token(), begins)).is_interrupted());
        CHECK_FALSE(begun);
    }
    SECTION("not at all") {
        auto const answers = [](int n) -> task<int, failed> {
            co_await coir::yield();
            co_return n;
        };
        CHECK(coir::sync_wait(source.get_token(), answers, 3).value() == 3);
        auto const fails = []() -> task<int, failed> {
            co_await coir::fail(failed{4});
            co_return 0;
        };
        CHECK(coir::sync_wait(std::stop_token(), fails).error().code == 4);
    }
}

TEST_CASE("after its end, work is not reached by the token any more [I22]") {
    std::stop_source source;
    test_scheduler s;
    auto const parent = [&]() -> task<bool> {
        co_await coir::stopped_by(source.get_token(), [] { return coir::yield(); });
        source.request_stop();
        co_return !coir::this_fiber::interrupt_requested();
    };
    CHECK(s.run(parent).value());
}

TEST_CASE("interrupt_when gives up what runs when a token is stopped") {
    std::stop_source source;
    test_scheduler s;
    auto const work = [&]() -> task<> {
        auto const five = []() -> task<int> {
            co_await coir::sleep_for(1ms);
            co_return 5;
        };
        auto const in_time = co_await coir::interrupt_when(five(), source.get_token());
        CHECK(in_time == 5);
        auto const stops = [&]() -> task<> {
            co_await coir::sleep_for(1s);
            source.request_stop();
        };
        coir::fork(stops);
        bool const ended = co_await coir::interrupt_when(never_ends(), source.get_token());
        CHECK_FALSE(ended);
        auto const not_begun = co_await coir::interrupt_when(five(), source.get_token());
        CHECK_FALSE(not_begun);
        CHECK(s.elapsed() == 1001ms);
        auto const without = co_await coir::interrupt_when(five(), std::stop_token());
        CHECK(without == 5);
    };
    CHECK(s.run(work).is_success());
}

TEST_CASE("interrupted everywhere: stop tokens [I21, I22]") {
    CHECK(coir_test::interrupt_everywhere([&](coir_test::ledger& books) -> task<> {
              auto const waits = [&](std::stop_token t) -> task<> {
                  coir_test::ledger::local const here{books};
                  co_await books.guarded(coir::sleep_for(1ms));
                  co_await coir::timeout(until_stopped(std::move(t)) | coir::transform([](bool) {}), 1h);
              };
              auto const stopped = [&](std::stop_token) -> task<> {
                  coir_test::ledger::local const here{books};
                  co_await books.guarded(coir::sleep_for(1ms));
              };
              co_await with_stop_token(stopped);
              std::stop_source source;
              auto const stops = [&]() -> task<> {
                  co_await coir::sleep_for(1ms);
                  source.request_stop();
              };
              coir::fork(stops);
              co_await coir::interrupt_when(with_stop_token(waits), source.get_token());
              co_await coir::fork(source.get_token(), never_ends).await();
          }) > 10);
}

TEST_CASE("on threads: a token that is stopped while its work ends [I22]") {
    coir::thread_pool pool{2};
    auto const rounds = 2'000 * coir_test::stress_scale();
    unsigned ended = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        std::stop_source source;
        auto const brief = [&]() -> task<> {
            co_await coir::yield();
            co_await coir::interrupt_when(coir::yield(), source.get_token());
        };
        auto const f = pool.spawn(coir::stopped_by(source.get_token(), brief));
        std::thread stops{[&] { source.request_stop(); }};
        f.get_state().cell().wait();
        ended += f.poll()->is_success() || f.poll()->is_interrupted() ? 1U : 0U;
        stops.join();
    }
    CHECK(ended == rounds);
}

#else

TEST_CASE("without std::stop_token the header declares nothing") { CHECK(true); }

#endif
