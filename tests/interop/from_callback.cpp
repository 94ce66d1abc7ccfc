// from_callback: completion by a callback, at any time and from any thread, and the canceller.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/interop/from_callback.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/counted.hpp"
#include "support/effort.hpp"
#include "support/interrupt_everywhere.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using coir::from_callback;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;

namespace {

struct failed {
    int code;
};

template <class T = int, class E = coir::never>
using completer = coir::deferred_completer<T, E>;

// A library that keeps callbacks until it calls them.
struct library {
    std::vector<completer<>> waiting;
    int cancelled = 0;

    auto request() {
        return from_callback<int>([this](auto done) {
            waiting.push_back(done);
            return [this] { ++cancelled; };
        });
    }
};

} // namespace

TEST_CASE("a callback gives its value, its error, its defect or its interruption") {
    auto const work = []() -> task<> {
        auto const value = [](auto done) { done.succeed(std::make_unique<int>(3)); };
        auto const p = co_await from_callback<std::unique_ptr<int>>(value);
        CHECK(*p == 3);
        auto const nothing = [](auto done) { done.succeed(); };
        co_await from_callback(nothing);
        int n = 4;
        auto const reference = [&](auto done) { done.succeed(n); };
        int& r = co_await from_callback<int&>(reference);
        CHECK(&r == &n);
        auto const error = [](auto done) { done.fail(5); };
        auto const e = co_await coir::as_result(from_callback<int, failed>(error));
        CHECK(e.error().code == 5);
        auto const defect = [](auto done) { done.die(std::make_exception_ptr(std::runtime_error{"callback"})); };
        auto const d = co_await coir::as_outcome(from_callback<int>(defect));
        CHECK(d.is_defect());
        auto const interrupted = [](auto done) { done.interrupt(); };
        auto const i = co_await coir::as_outcome(from_callback<int>(interrupted));
        CHECK(i.is_interrupted());
        auto const whole = [](auto done) { done.done(coir::outcome<int, failed>::failure(6)); };
        auto const o = co_await coir::as_outcome(from_callback<int, failed>(whole));
        CHECK(o.error().code == 6);
    };
    test_scheduler s;
    CHECK(s.run(work).is_success());
}

TEST_CASE("a callback that comes during the registration is used, and nothing is cancelled [I19]") {
    bool const interrupted = GENERATE(false, true);
    int cancelled = 0;
    int got = 0;
    bool second = true;
    coir::fiber<> self;
    auto const work = [&]() -> task<> {
        auto const registration = [&](auto done) {
            if (interrupted) {
                self.request_interrupt();
            }
            done.succeed(3);
            second = done.succeed(4);
            return [&] { ++cancelled; };
        };
        got = co_await from_callback<int>(registration);
        co_await coir::checkpoint();
    };
    test_scheduler s;
    self = s.start(work);
    s.run_ready();
    CHECK(got == 3);
    CHECK_FALSE(second);
    CHECK(cancelled == 0);
    CHECK(self.poll()->is_interrupted() == interrupted);
}

TEST_CASE("a callback that comes later, from another thread, wakes the fiber where it belongs") {
    std::thread other;
    auto const work = [&]() -> task<bool> {
        auto const registration = [&](auto done) {
            other = std::thread{[done] { done.succeed(std::this_thread::get_id()); }};
            return [] {};
        };
        auto const before = std::this_thread::get_id();
        auto const there = co_await from_callback<std::thread::id>(registration);
        co_return there != before&& std::this_thread::get_id() == before;
    };
    coir::run_loop loop;
    CHECK(loop.run(work).value());
    other.join();
}

TEST_CASE("interrupted, the canceller runs once and a later completion is ignored [I18]") {
    library lib;
    test_scheduler s;
    auto f = std::make_optional(s.start([&]() -> task<> { static_cast<void>(co_await lib.request()); }));
    s.run_ready();
    REQUIRE(lib.waiting.size() == 1);
    f->request_interrupt();
    CHECK(lib.cancelled == 0); // it runs in the fiber
    s.run_ready();
    CHECK(lib.cancelled == 1);
    CHECK(f->poll()->is_interrupted());
    f.reset();
    CHECK_FALSE(lib.waiting.front().succeed(3)); // the fiber's memory is gone
    CHECK(lib.waiting.front().is_done());
    CHECK(lib.cancelled == 1);
}

TEST_CASE("a completion that comes too late leaves its argument untouched [I18, D2]") {
    std::optional<completer<counted>> kept;
    counted::reset();
    test_scheduler s;
    auto const f = s.start([&]() -> task<> {
        auto const registration = [&](auto done) {
            kept = done;
            return [] {};
        };
        static_cast<void>(co_await from_callback<counted>(registration));
    });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    counted argument(3);
    CHECK_FALSE(kept->succeed(std::move(argument)));
    CHECK(argument.value == 3);
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("completion and interruption at one moment: the first wins [I20]") {
    bool const completion_first = GENERATE(true, false);
    library lib;
    int got = 0;
    test_scheduler s;
    auto const f = s.start([&]() -> task<> {
        got = co_await lib.request();
        co_await coir::checkpoint();
    });
    s.run_ready();
    bool won = false;
    if (completion_first) {
        won = lib.waiting.front().succeed(3);
        f.request_interrupt();
    } else {
        f.request_interrupt();
        won = lib.waiting.front().succeed(3); // before the fiber ran: it has not claimed yet
    }
    s.run_ready();
    CHECK(won);
    CHECK(got == 3);
    CHECK(lib.cancelled == 0);
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("without a canceller the await is not interrupted, and its value is not lost") {
    std::optional<completer<>> kept;
    int got = 0;
    test_scheduler s;
    auto const f = s.start([&]() -> task<> {
        auto const registration = [&](auto done) { kept = done; };
        got = co_await from_callback<int>(registration);
        co_await coir::checkpoint();
        got = -1;
    });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll() == nullptr);
    kept->succeed(3);
    s.run_ready();
    CHECK(got == 3);
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("a canceller may await, and is masked [I14, I17]") {
    bool cleaned = false;
    std::optional<completer<>> kept;
    test_scheduler s;
    auto const f = s.start([&]() -> task<> {
        auto const registration = [&](auto done) {
            kept = done;
            return [&]() -> task<> {
                co_await coir::sleep_for(1s);
                co_await coir::checkpoint();
                cleaned = true;
            };
        };
        static_cast<void>(co_await from_callback<int>(registration));
    });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll() == nullptr);
    CHECK_FALSE(kept->succeed(3));
    s.advance(2s);
    CHECK(cleaned);
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("what a canceller throws is suppressed [I15]") {
    test_scheduler s;
    std::optional<completer<>> kept;
    auto const f = s.start([&]() -> task<> {
        auto const registration = [&](auto done) {
            kept = done;
            return [] { throw std::runtime_error{"cannot cancel"}; };
        };
        static_cast<void>(co_await from_callback<int>(registration));
    });
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
    CHECK(f.poll()->suppressed().size() == 1);
}

TEST_CASE("what a registration throws is a defect, and its callback is ignored") {
    std::optional<completer<>> kept;
    auto const work = [&]() -> task<std::string> {
        auto const registration = [&](auto done) {
            kept = done;
            throw std::runtime_error{"not registered"};
        };
        std::string said;
        try {
            static_cast<void>(co_await from_callback<int>(registration));
        } catch (std::runtime_error const& e) {
            said = e.what();
        }
        co_return said;
    };
    test_scheduler s;
    CHECK(s.run(work).value() == "not registered");
    CHECK_FALSE(kept->succeed(3));
}

TEST_CASE("a callback that goes away uncalled ends the await as interrupted") {
    library lib;
    auto const work = [&]() -> task<bool> {
        auto const drops = []([[maybe_unused]] auto done) {};
        auto const at_once = co_await coir::as_outcome(from_callback<int>(drops));
        co_return at_once.is_interrupted() && !coir::this_fiber::interrupt_requested();
    };
    test_scheduler s;
    CHECK(s.run(work).value());

    auto const f = s.start([&]() -> task<int> { co_return co_await lib.request(); });
    s.run_ready();
    auto copy = std::make_optional(lib.waiting.front());
    lib.waiting.clear();
    s.run_ready();
    CHECK(f.poll() == nullptr); // there is a copy
    copy.reset();
    s.run_ready();
    REQUIRE(f.poll() != nullptr);
    CHECK(f.poll()->is_interrupted());
    CHECK(lib.cancelled == 0);
}

TEST_CASE("with timeouts, races and masks it behaves as any other await") {
    library lib;
    auto const work = [&]() -> task<> {
        auto const late = co_await coir::timeout(lib.request(), 1s);
        CHECK_FALSE(late);
        CHECK(lib.cancelled == 1);
        auto const value = [](auto done) { done.succeed(2); };
        auto const first = co_await coir::race(lib.request(), from_callback<int>(value));
        CHECK(first == 2);
        CHECK(lib.cancelled == 2);
        auto const completes_later = [&]() -> task<> {
            co_await coir::sleep_for(1s);
            lib.waiting.back().succeed(5);
        };
        auto const [n, done] = co_await coir::when_all(coir::uninterruptible(lib.request()), completes_later());
        static_cast<void>(done);
        CHECK(n == 5);
    };
    test_scheduler s;
    CHECK(s.run(work).is_success());
}

TEST_CASE("interrupted before it began, nothing is registered [I1]") {
    library lib;
    coir::fiber<> self;
    test_scheduler s;
    self = s.start([&]() -> task<> {
        self.request_interrupt();
        static_cast<void>(co_await lib.request());
    });
    s.run_ready();
    CHECK(lib.waiting.empty());
    CHECK(self.poll()->is_interrupted());
}

TEST_CASE("interrupted everywhere: callbacks [I18, I19, I20]") {
    struct source {
        std::optional<completer<>> waiting;
        int open = 0;
    };
    auto const calls = [](std::shared_ptr<source> from) -> task<> {
        co_await coir::uninterruptible(coir::sleep_for(1ms));
        if (from->waiting) from->waiting->succeed(1);
    };
    CHECK(coir_test::interrupt_everywhere([&](coir_test::ledger& books) -> task<> {
              auto const from = std::make_shared<source>();
              coir::fork_daemon(calls, from);
              auto const registration = [&](auto done) {
                  from->waiting = done;
                  return [&]() -> task<> {
                      from->waiting.reset();
                      co_await coir::sleep_for(1ms);
                  };
              };
              co_await books.guarded(from_callback<int>(registration));
              auto const at_once = [](auto done) { done.succeed(2); };
              co_await books.guarded(from_callback<int>(at_once));
              co_await coir::timeout(books.guarded(from_callback<int>(registration)), 1ms);
          }) > 10);
}

TEST_CASE("on threads: completion races interruption, and exactly one wins [I20]") {
    coir::thread_pool pool{2};
    auto const rounds = 2'000 * coir_test::stress_scale();
    unsigned wrong = 0;
    for (unsigned i = 0; i < rounds; ++i) {
        std::atomic<bool> registered{false};
        std::optional<completer<std::unique_ptr<int>>> kept;
        std::atomic<int> got{0};
        std::atomic<int> cancelled{0};
        auto const f = pool.spawn([&]() -> task<> {
            auto const registration = [&](auto done) {
                kept = done;
                registered = true;
                return [&] { ++cancelled; };
            };
            auto const p = co_await from_callback<std::unique_ptr<int>>(registration);
            got = *p;
        });
        while (!registered) {
            std::this_thread::yield();
        }
        bool won = false;
        std::thread completes{[&, done = *kept] { won = done.succeed(std::make_unique<int>(3)); }};
        f.request_interrupt();
        completes.join();
        f.get_state().cell().wait();
        wrong += won == (got == 3) && won == (cancelled == 0) ? 0U : 1U;
    }
    CHECK(wrong == 0);
}
