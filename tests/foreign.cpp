// Awaitables of other libraries in a task: every shape of them, how they end, and how they are
// interrupted. Threads that race are in stress/foreign_stress.cpp.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/run_loop.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/schedule.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/another_library.hpp"
#include "support/counted.hpp"
#include "support/interrupt_everywhere.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using another::lazy;
using coir::task;
using coir::test_scheduler;
using coir_test::counted;

namespace {

// ---- One awaitable for each shape.

struct ready_now {
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept { std::terminate(); }
    int await_resume() const noexcept { return 1; }
};

// Resumes in here, before it returns.
struct resumes_at_once {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const { h.resume(); }
    int await_resume() const noexcept { return 2; }
};

// Another thread has resumed before it returns.
struct resumes_elsewhere_at_once {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const {
        std::thread{[h] { h.resume(); }}.join();
    }
    int await_resume() const noexcept { return 3; }
};

struct does_not_suspend {
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
    int await_resume() const noexcept { return 4; }
};

struct hands_back {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) const noexcept { return h; }
    int await_resume() const noexcept { return 5; }
};

// Hands control to nobody; it has resumed us already.
struct hands_to_nobody {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) const {
        h.resume();
        return std::noop_coroutine();
    }
    int await_resume() const noexcept { return 6; }
};

// Looks at the promise type, as a template.
struct asks_for_promise {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> h) {
        at = &h.promise();
        return std::coroutine_handle<Promise>::from_promise(h.promise()) != h || h.done();
    }
    int await_resume() const noexcept { return at != nullptr ? 7 : -1; }
    void* at = nullptr;
};

// Not movable, and neither is its awaiter.
struct immovable {
    immovable() = default;
    immovable(immovable&&) = delete;
    struct awaiter {
        awaiter() = default;
        awaiter(awaiter&&) = delete;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const { h.resume(); }
        int await_resume() const noexcept { return 8; }
    };
    awaiter operator co_await() && { return {}; }
};

struct has_free_operator {
    int value;
};
[[maybe_unused]] auto operator co_await(has_free_operator of) {
    struct awaiter {
        bool await_ready() const noexcept { return true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        int await_resume() const noexcept { return value; }
        int value;
    };
    return awaiter{of.value};
}

// Gives itself as its awaiter, by reference.
struct refers_to_awaiter {
    ready_now& operator co_await() noexcept { return inner; }
    ready_now inner;
};

enum class where { co_await_operator, ready, suspend, resume };

struct throws {
    explicit throws(where w) : at{w} {}
    throws const& operator co_await() const {
        explode(where::co_await_operator);
        return *this;
    }
    bool await_ready() const {
        explode(where::ready);
        return false;
    }
    bool await_suspend(std::coroutine_handle<>) const {
        explode(where::suspend);
        return false;
    }
    int await_resume() const {
        explode(where::resume);
        return 0;
    }
    void explode(where here) const {
        if (at == here) throw std::runtime_error{"foreign"};
    }
    where at;
};

// A cancellation that is noted, and that ends in a resumption with or without a result.
struct slow_to_cancel {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) noexcept { waiter = h; }
    int await_resume() noexcept {
        ++resumed;
        return 9;
    }
    bool await_cancel() noexcept {
        ++asked;
        if (resume_inside) {
            std::exchange(waiter, nullptr).resume();
        }
        return false;
    }
    bool await_must_resume() const noexcept { return has_result; }

    bool resume_inside = false;
    bool has_result = true;
    int asked = 0;
    int resumed = 0;
    std::coroutine_handle<> waiter;
};

template <class A>
task<int> awaits(A a) {
    co_return co_await std::move(a);
}

template <class T>
T run(task<T> work) {
    test_scheduler s;
    return s.run(std::move(work)).value();
}

lazy<int> answer(int n) { co_return n; }
lazy<int> sum(int depth) {
    if (depth == 0) co_return 0;
    int const before = co_await sum(depth - 1);
    co_return before + co_await answer(depth);
}
lazy<int> dies() {
    throw std::runtime_error{"lazy"};
    co_return 0;
}
lazy<int> after(another::event& e, int n) {
    co_await e;
    co_return n;
}

} // namespace

static_assert(coir::awaitable<ready_now> && coir::awaitable<ready_now&> && coir::awaitable<ready_now const&>);
static_assert(coir::awaitable<lazy<int>> && coir::awaitable<has_free_operator> && coir::awaitable<another::event&>);
static_assert(!coir::awaitable<int> && !coir::awaitable<std::string> && !coir::awaitable<void>);
static_assert(!coir::awaitable<immovable>, "it cannot be kept until it is awaited");
static_assert(!coir::awaitable<task<>&>, "what is ours is not taken for foreign");
static_assert(std::same_as<coir::await_value_t<lazy<int>>, int> &&
              std::same_as<coir::await_error_t<lazy<int>>, coir::never>);

TEST_CASE("foreign awaitables of every shape are awaited in a task") {
    auto const work = []() -> task<std::vector<int>> {
        std::vector<int> got;
        got.push_back(co_await ready_now());
        got.push_back(co_await resumes_at_once());
        got.push_back(co_await resumes_elsewhere_at_once());
        got.push_back(co_await does_not_suspend());
        got.push_back(co_await hands_back());
        got.push_back(co_await hands_to_nobody());
        got.push_back(co_await asks_for_promise());
        got.push_back(co_await immovable());
        got.push_back(co_await has_free_operator{9});
        refers_to_awaiter referring;
        got.push_back(co_await referring);
        co_return got;
    };
    CHECK(run(work()) == std::vector{1, 2, 3, 4, 5, 6, 7, 8, 9, 1});
}

TEST_CASE("foreign results: references, void, what can only be moved, and rvalue references") {
    struct gives_reference {
        bool await_ready() const noexcept { return true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        int& await_resume() const noexcept { return *to; }
        int* to;
    };
    struct gives_pointer {
        bool await_ready() const noexcept { return true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        std::unique_ptr<int> await_resume() const { return std::make_unique<int>(3); }
    };
    struct gives_rvalue {
        explicit gives_rvalue(std::string s) : text{std::move(s)} {}
        bool await_ready() const noexcept { return true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        std::string&& await_resume() noexcept { return std::move(text); }
        std::string text;
    };
    int n = 1;
    auto const work = [&]() -> task<> {
        int& ref = co_await gives_reference{&n};
        ref = 2;
        static_assert(std::is_void_v<decltype(std::declval<another::event::waiting>().await_resume())>);
        auto const owned = co_await gives_pointer();
        CHECK(*owned == 3);
        gives_rvalue source{"a text that is too long for the small buffer"};
        std::string const moved = co_await source;
        CHECK(moved.size() == 44);
        CHECK(source.text.empty());
        another::event e;
        e.set();
        co_await e;
        CHECK(e.resumed == 1);
    };
    test_scheduler s;
    CHECK(s.run(work).is_success());
    CHECK(n == 2);
}

TEST_CASE("what foreign code throws is a defect, which a task can catch") {
    for (auto const at : {where::co_await_operator, where::ready, where::suspend, where::resume}) {
        auto const catches = [](where w) -> task<std::string> {
            std::string said;
            try {
                co_await throws(w);
            } catch (std::runtime_error const& e) {
                said = e.what();
            }
            co_return said;
        };
        CHECK(run(catches(at)) == "foreign");
        auto const shows = [](where w) -> task<bool> {
            auto const o = co_await coir::as_outcome(throws(w));
            co_return o.is_defect();
        };
        CHECK(run(shows(at)));
        auto const uncaught = [](where w) -> task<int> { co_return co_await throws(w); };
        test_scheduler s;
        CHECK(s.run(uncaught, at).is_defect());
    }
    CHECK(run([]() -> task<bool> { co_return (co_await coir::as_outcome(dies())).is_defect(); }()));
}

TEST_CASE("control is handed to and fro with coroutines of another library") {
    CHECK(run(awaits(sum(50))) == 1275);

    SECTION("and comes back when something there has happened") {
        another::event e;
        test_scheduler s;
        auto const f = s.start(awaits(after(e, 5)));
        s.run_ready();
        CHECK(f.poll() == nullptr);
        e.set();
        CHECK(f.poll() == nullptr); // resuming only posts the fiber
        s.run_ready();
        CHECK(f.poll()->value() == 5);
    }
    SECTION("a million times without growing the stack") {
        auto const work = []() -> task<int> {
            int n = 0;
            for (int i = 0; i < 250'000; ++i) {
                n += co_await answer(1) + co_await does_not_suspend() + co_await hands_back() +
                     co_await resumes_at_once();
            }
            co_return n;
        };
        CHECK(run(work()) == 250'000 * 12);
    }
}

TEST_CASE("nothing of a foreign awaitable is copied or moved where it is awaited") {
    struct holds {
        explicit holds(int n) : value{n} {}
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const { h.resume(); }
        int await_resume() const noexcept { return value.value; }
        counted value;
    };
    counted::reset();
    auto const work = []() -> task<int> {
        holds named{1};
        co_return co_await holds(2) + co_await named;
    };
    CHECK(run(work()) == 3);
    CHECK(counted::constructed() == 2);
    CHECK(counted::moves() + counted::copies() == 0);
    CHECK(counted::alive() == 0);
    auto const limited = []() -> task<int> { co_return (co_await coir::timeout(holds(4), 1s)).value(); };
    CHECK(run(limited()) == 4);
    CHECK(counted::copies() == 0);
    CHECK(counted::alive() == 0);
}

TEST_CASE("an awaitable that cannot be awaited as a temporary is passed on with moved") {
    struct aggregate {
        std::unique_ptr<int> held;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const { h.resume(); }
        std::unique_ptr<int> await_resume() noexcept { return std::move(held); }
    };
    auto const work = []() -> task<int> {
        aggregate a{std::make_unique<int>(3)};
        auto const first = co_await coir::moved(a);
        aggregate b{std::make_unique<int>(4)};
        auto const second = co_await coir::timeout(coir::moved(b), 1s);
        auto const next = [](int n) { return aggregate{std::make_unique<int>(n)}; };
        auto const third = co_await (answer(5) | coir::and_then(next));
        std::vector<aggregate> many;
        many.push_back(next(6));
        auto const all = co_await coir::when_all(std::move(many));
        co_return *first + **second + *third + *all.front();
    };
    CHECK(run(work()) == 18);
}

TEST_CASE("foreign awaitables work with every adaptor and combinator") {
    another::event late;
    auto const work = [&]() -> task<> {
        auto const o = co_await coir::as_outcome(answer(1));
        CHECK(o.value() == 1);
        auto const r = co_await coir::as_result(answer(2));
        CHECK(r.value() == 2);
        auto const r1 = co_await (answer(3) | coir::transform([](int n) { return 10 * n; }));
        CHECK(r1 == 30);
        auto const r2 = co_await (answer(4) | coir::and_then([](int n) { return answer(n + 1); }));
        CHECK(r2 == 5);
        auto const [a, b, c] = co_await coir::when_all(answer(6), resumes_at_once(), ready_now());
        CHECK(a + b + c == 9);
        auto const r3 = co_await coir::race(late.cancellable() | coir::transform([] { return 0; }), answer(7));
        CHECK(r3 == 7);
        CHECK_FALSE(late.has_waiter());
        auto const r4 = co_await coir::timeout(late.cancellable(), 1s);
        CHECK_FALSE(r4);
        CHECK_FALSE(late.has_waiter());
        auto const r5 = co_await coir::timeout(answer(8), 1s);
        CHECK(r5 == 8);
        auto const r6 = co_await coir::uninterruptible(answer(9));
        CHECK(r6 == 9);
        bool finalized = false;
        auto const finalizer = [&]() -> task<> {
            finalized = true;
            co_return;
        };
        auto const r7 = co_await coir::ensuring(answer(10), finalizer);
        CHECK(r7 == 10);
        CHECK(finalized);
        std::vector<lazy<int>> many;
        many.push_back(answer(1));
        many.push_back(answer(2));
        auto const all = co_await coir::when_all(std::move(many));
        CHECK(all == std::vector{1, 2});
        coir::deferred<int> d;
        auto const r8 = co_await d.complete(answer(11));
        CHECK(r8);
        CHECK(co_await d == 11);
        coir::deferred<> stop;
        stop.succeed();
        auto const r9 = co_await coir::interrupt_when(late.cancellable(), stop);
        CHECK_FALSE(r9);
    };
    test_scheduler s;
    CHECK(s.run(work).is_success());
}

TEST_CASE("a fiber that was resumed on a foreign thread goes on where it belongs") {
    another::event e;
    std::thread::id before;
    std::thread::id afterwards;
    auto const work = [&]() -> task<> {
        before = std::this_thread::get_id();
        std::thread setter{[&] {
            while (!e.has_waiter()) {
                std::this_thread::yield();
            }
            e.set();
        }};
        co_await e;
        afterwards = std::this_thread::get_id();
        setter.join();
    };
    coir::run_loop loop;
    CHECK(loop.run(work).is_success());
    CHECK(before == std::this_thread::get_id());
    CHECK(before == afterwards);
}

TEST_CASE("a pending interruption is taken before a foreign await begins [I1]") {
    bool begun = false;
    struct notes {
        bool await_ready() const noexcept { return *begun = true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        void await_resume() const noexcept {}
        bool* begun;
    };
    coir::fiber<> self;
    auto const work = [&]() -> task<> {
        self.request_interrupt();
        co_await notes{&begun};
    };
    test_scheduler s;
    self = s.start(work);
    s.run_ready();
    CHECK(self.poll()->is_interrupted());
    CHECK_FALSE(begun);
}

TEST_CASE("without await_cancel a foreign await is not interrupted, and its result is not lost [I1]") {
    another::event e;
    bool went_on = false;
    auto const work = [&]() -> task<> {
        co_await e;
        went_on = true;
        co_await coir::checkpoint();
        went_on = false;
    };
    test_scheduler s;
    auto const f = s.start(work);
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(f.poll() == nullptr);
    e.set();
    s.run_ready();
    CHECK(went_on);
    CHECK(f.poll()->is_interrupted());
}

TEST_CASE("a foreign await that gives up at once is interrupted, and resumes no more [I18]") {
    another::event e;
    bool went_on = false;
    auto const work = [&]() -> task<> {
        co_await e.cancellable();
        went_on = true;
    };
    test_scheduler s;
    auto const f = s.start(work);
    s.run_ready();
    CHECK(e.has_waiter());
    f.request_interrupt();
    CHECK_FALSE(e.has_waiter());
    s.run_ready();
    CHECK(f.poll()->is_interrupted());
    e.set();
    CHECK(e.resumed == 0);
    CHECK_FALSE(went_on);
}

TEST_CASE("a foreign await that still resumes is waited for [I18, I20]") {
    bool const inside = GENERATE(false, true);
    bool const has_result = GENERATE(false, true);
    CAPTURE(inside, has_result);
    slow_to_cancel source;
    source.resume_inside = inside;
    source.has_result = has_result;
    int got = 0;
    auto const work = [&]() -> task<> {
        got = co_await source;
        co_await coir::checkpoint();
        got = -1;
    };
    test_scheduler s;
    auto const f = s.start(work);
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(source.asked == 1);
    if (!inside) {
        CHECK(f.poll() == nullptr);
        source.waiter.resume();
        s.run_ready();
    }
    CHECK(f.poll()->is_interrupted());
    CHECK(source.resumed == (has_result ? 1 : 0));
    CHECK(got == (has_result ? 9 : 0));
}

TEST_CASE("a time limit on a foreign await gives the result that came in spite of it [R9]") {
    slow_to_cancel source;
    auto const work = [&]() -> task<std::optional<int>> { co_return co_await coir::timeout(source, 1s); };
    test_scheduler s;
    auto const f = s.start(work);
    s.advance(2s);
    CHECK(source.asked == 1);
    CHECK(f.poll() == nullptr);
    SECTION("a result is a result") {
        source.waiter.resume();
        s.run_ready();
        CHECK(f.poll()->value() == 9);
    }
    SECTION("what was given up is none") {
        source.has_result = false;
        source.waiter.resume();
        s.run_ready();
        CHECK(f.poll()->value() == std::nullopt);
    }
}

TEST_CASE("a mask shields a foreign await that could be given up [I3]") {
    another::event e;
    auto const work = [&]() -> task<> { co_await coir::uninterruptible(e.cancellable()); };
    test_scheduler s;
    auto const f = s.start(work);
    s.run_ready();
    f.request_interrupt();
    s.run_ready();
    CHECK(e.has_waiter());
    CHECK(f.poll() == nullptr);
    e.set();
    s.run_ready();
    CHECK(f.poll()->is_interrupted()); // at the end of the mask
}

TEST_CASE("a deadlock report names a foreign awaitable") {
    another::event never;
    auto const work = [&]() -> task<> { co_await never.cancellable(); };
    test_scheduler s;
    CHECK_THROWS_WITH(s.run(work), Catch::Contains("foreign awaitable"));
}

TEST_CASE("interrupted everywhere: foreign awaitables [I1, I18]") {
    auto const sets = [](std::shared_ptr<another::event> e) -> task<> {
        co_await coir::uninterruptible(coir::sleep_for(1ms));
        e->set();
    };
    CHECK(coir_test::interrupt_everywhere([&](coir_test::ledger& books) -> task<> {
              coir_test::ledger::local const here{books};
              co_await books.guarded(sum(3));
              auto const e = std::make_shared<another::event>();
              coir::fork_daemon(sets, e);
              co_await books.guarded(e->cancellable());
              auto const stubborn = std::make_shared<another::event>();
              coir::fork_daemon(sets, stubborn);
              co_await books.guarded(after(*stubborn, 1));
              auto const late = std::make_shared<another::event>();
              co_await coir::timeout(books.guarded(late->cancellable()), 1ms);
              auto const raced = std::make_shared<another::event>();
              coir::fork_daemon(sets, raced);
              co_await coir::race(books.guarded(raced->cancellable()), coir::sleep_for(1h));
              co_await coir::when_all(answer(1), books.guarded(answer(2)), coir::sleep_for(1ms));
          }) > 20);
}
