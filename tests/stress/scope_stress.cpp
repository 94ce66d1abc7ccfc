// Scopes on several threads: forking into one that closes, children that become ready while
// nobody waits any more, and everybody joining and interrupting at once.
#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

using coir::deferred;
using coir::scope;
using coir::started;
using coir::task;

namespace {

struct failed {
    int code;
};

struct books {
    std::atomic<long> opened{0};
    std::atomic<long> closed{0};
};

class entry {
public:
    explicit entry(books& b) : books_{b} { ++books_.opened; }
    entry(entry const&) = delete;
    entry& operator=(entry const&) = delete;
    ~entry() { ++books_.closed; }

private:
    books& books_;
};

task<> works(books& b, int turns) {
    entry const here{b};
    for (int i = 0; i < turns; ++i) {
        co_await coir::yield();
    }
}

// Forks into a scope until told to stop.
struct outsider {
    std::atomic<bool> stop{false};
    deferred<> done;
    std::thread thread;

    void run(scope<failed>& s, books& b, bool here) {
        thread = std::thread{[this, &s, &b, here] {
            coir::fork_options const how{.start = here ? coir::fork_start::here : coir::fork_start::queued};
            for (int i = 0; i < 300 && !stop; ++i) {
                s.fork(how, works, std::ref(b), i % 4);
                if (i % 8 == 0) {
                    std::this_thread::yield();
                }
            }
            done.succeed();
        }};
    }
    ~outsider() { thread.join(); }
};

} // namespace

TEST_CASE("threads fork into a scope while it is interrupted, joined, fails and closes [F8, F9]") {
    unsigned const rounds = 20 * coir_test::stress_scale();
    for (unsigned round = 0; round < rounds; ++round) {
        coir::thread_pool pool{2};
        books b;
        {
            outsider others[2];
            auto body = [&](scope<failed>& s) -> task<int, failed> {
                // They are done before the scope is gone, though not before it is closed.
                for (outsider& o : others) {
                    s.add_finalizer([&o]() -> task<> {
                        o.stop = true;
                        co_await o.done;
                    });
                }
                others[0].run(s, b, false);
                others[1].run(s, b, true);
                for (int i = 0; i < 5; ++i) {
                    s.fork(works, std::ref(b), 3);
                    co_await s.interrupt();
                    co_await coir::yield();
                }
                if (round % 3 == 0) {
                    co_await coir::fail(failed{1});
                }
                if (round % 3 == 1) {
                    s.request_interrupt();
                    co_await s.join();
                }
                co_return 1;
            };
            auto const work = [&]() -> task<int, failed> { co_return co_await coir::with_scope<failed>(body); };
            auto const end = pool.run(work);
            CHECK(end.is_failure() == (round % 3 == 0));
        }
        CHECK(b.opened == b.closed);
    }
}

TEST_CASE("a child becomes ready, ends, or is given up, whichever comes first [D17]") {
    unsigned const rounds = 500 * coir_test::stress_scale();
    coir::thread_pool pool{3};
    books b;
    std::atomic<long> wrong{0};
    auto const serves = [&](started<std::unique_ptr<int>>& ready, unsigned n) -> task<int, failed> {
        entry const here{b};
        for (unsigned i = 0; i < n % 3; ++i) {
            co_await coir::yield();
        }
        if (n % 4 == 0) {
            co_await coir::fail(failed{2});
        }
        if (n % 4 != 1) {
            ready(std::make_unique<int>(5));
        }
        co_await coir::yield();
        co_return 0;
    };
    auto const starts = [&](unsigned n) -> task<> {
        auto body = [&, n](scope<failed>& s) -> task<int, failed> {
            auto const end = co_await coir::as_outcome(s.fork_started(serves, n));
            bool const right = n % 4 == 0   ? end.is_failure()
                               : n % 4 == 1 ? end.is_defect()
                                            : end.is_success() && *end.value() == 5;
            wrong += right ? 0 : 1;
            co_return 0;
        };
        static_cast<void>(co_await coir::as_outcome(coir::with_supervisor<failed>(body)));
    };
    auto const all = [&]() -> task<> {
        for (unsigned n = 0; n < rounds; ++n) {
            auto const f = coir::fork(starts, n);
            for (unsigned i = 0; i < n % 5; ++i) {
                co_await coir::yield();
            }
            if (n % 2 == 0) {
                static_cast<void>(co_await f.interrupt());
            } else {
                static_cast<void>(co_await f.await());
            }
        }
    };
    CHECK(pool.run(all).is_success());
    CHECK(wrong == 0);
    CHECK(b.opened == b.closed);
}

TEST_CASE("children and body join and interrupt a scope at the same time [F11]") {
    unsigned const rounds = 100 * coir_test::stress_scale();
    coir::thread_pool pool{3};
    books b;
    auto const joins = [&](scope<>& s) -> task<> {
        entry const here{b};
        co_await coir::yield();
        co_await s.join();
    };
    auto const interrupts = [&](scope<>& s, int n) -> task<> {
        entry const here{b};
        for (int i = 0; i < n; ++i) {
            co_await coir::yield();
        }
        co_await s.interrupt();
    };
    auto body = [&](scope<>& s) -> task<> {
        for (int i = 0; i < 3; ++i) {
            s.fork(works, std::ref(b), 5);
            s.fork(joins, std::ref(s));
            s.fork(interrupts, std::ref(s), i);
        }
        co_await s.join();
        s.fork(joins, std::ref(s));
        s.fork(works, std::ref(b), 5);
        co_await s.interrupt();
    };
    auto const work = [&]() -> task<> { co_await coir::with_scope(body); };
    for (unsigned round = 0; round < rounds; ++round) {
        CHECK(pool.run(work).is_success());
    }
    CHECK(b.opened == b.closed);
}
