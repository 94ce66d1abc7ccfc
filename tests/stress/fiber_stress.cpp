// Random trees of everything that forks, limits, masks and interrupts, on several threads, with
// another thread that interrupts and completes from outside. Whatever was opened is closed once.
#include <coir/adapt.hpp>
#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using coir::deferred;
using coir::scope;
using coir::task;

namespace {

struct failed {
    int code;
};

using node_task = task<int, failed>;

struct shared {
    std::atomic<long> opened{0};
    std::atomic<long> closed{0};
    std::atomic<long> finalized_twice{0};
    deferred<> signal; // completed from outside, at some time
};

// On a frame: closed by its destructor.
class local {
public:
    explicit local(shared& s) : shared_{s} { ++shared_.opened; }
    local(local const&) = delete;
    local& operator=(local const&) = delete;
    ~local() { ++shared_.closed; }

private:
    shared& shared_;
};

using dice = std::minstd_rand;

unsigned roll(dice& d, unsigned sides) { return static_cast<unsigned>((d() >> 8U) % sides); }
std::chrono::microseconds a_while(dice& d) { return std::chrono::microseconds{roll(d, 80)}; }

task<> finalize(shared& s, std::shared_ptr<std::atomic<int>> runs) {
    co_await coir::yield();
    co_await coir::sleep_for(5us);
    s.finalized_twice += runs->fetch_add(1) != 0;
    ++s.closed;
}

node_task node(shared& s, unsigned seed, unsigned depth);

node_task leaf(shared& s, dice d) {
    local const here{s};
    switch (roll(d, 8)) {
    case 0: co_await coir::sleep_for(a_while(d)); break;
    case 1: co_await coir::yield(); break;
    case 2: co_await coir::fail(failed{1}); break;
    case 3: throw failed{2};
    case 4: co_await s.signal; break;
    case 5: co_await coir::sleep_for(1h); break;
    case 6: co_await coir::uninterruptible(coir::sleep_for(a_while(d))); break;
    default: co_await coir::checkpoint(); break;
    }
    co_return 1;
}

node_task forks(shared& s, dice d, unsigned depth) {
    local const here{s};
    auto const a = coir::fork(node, std::ref(s), static_cast<unsigned>(d()), depth);
    auto const b = coir::fork(node, std::ref(s), static_cast<unsigned>(d()), depth);
    if (roll(d, 2) == 0) {
        co_await coir::sleep_for(a_while(d));
    }
    if (roll(d, 2) == 0) {
        a.request_interrupt();
    }
    switch (roll(d, 4)) {
    case 0: co_await a; break;
    case 1: static_cast<void>(co_await b.interrupt()); break;
    case 2: static_cast<void>(co_await a.await()); break;
    default: break; // left to the end of the fiber
    }
    co_return 1;
}

node_task nursery(shared& s, dice d, unsigned depth) {
    auto body = [&s, d, depth](scope<failed>& in) mutable -> node_task {
        local const here{s};
        ++s.opened;
        in.add_finalizer([&s, runs = std::make_shared<std::atomic<int>>(0)] { return finalize(s, runs); });
        for (unsigned i = 0; i < 3; ++i) {
            in.fork(node, std::ref(s), static_cast<unsigned>(d()), depth);
        }
        if (roll(d, 3) == 0) {
            in.fork([&s, &in, seed = static_cast<unsigned>(d()), depth]() -> task<> {
                local const inner{s};
                co_await coir::yield();
                in.fork(node, std::ref(s), seed, depth);
                if (seed % 2 == 0) {
                    in.request_interrupt();
                }
            });
        }
        co_return 1;
    };
    if (roll(d, 2) == 0) {
        co_return co_await coir::with_scope<failed>(body);
    }
    co_return co_await coir::with_supervisor<failed>(body);
}

node_task masked(shared& s, dice d, unsigned depth) {
    auto body = [&](auto restore) -> node_task {
        local const here{s};
        auto const inner =
            co_await coir::as_outcome(restore(coir::timeout(node(s, static_cast<unsigned>(d()), depth), 1ms)));
        co_await coir::sleep_for(a_while(d));
        co_return inner.is_success() ? 1 : 0;
    };
    co_return co_await coir::uninterruptible_mask(body);
}

node_task signalled(shared& s, dice d, unsigned depth) {
    local const here{s};
    deferred<> stop;
    auto const firing = [&s](deferred<>& to, std::chrono::microseconds after) -> task<> {
        local const inner{s};
        co_await coir::sleep_for(after);
        to.succeed();
    };
    auto const fires = coir::fork(firing, std::ref(stop), a_while(d));
    co_await coir::interrupt_when(coir::interrupt_when(node(s, static_cast<unsigned>(d()), depth), stop), s.signal);
    co_await fires.interrupt(); // it refers to `stop`
    co_return 1;
}

node_task node(shared& s, unsigned seed, unsigned depth) {
    dice d{seed};
    d.discard(2);
    local const here{s};
    if (depth == 0) {
        co_return co_await leaf(s, d);
    }
    auto const child = [&] { return node(s, static_cast<unsigned>(d()), depth - 1); };
    switch (roll(d, 9)) {
    case 0: co_return co_await leaf(s, d);
    case 1: co_return co_await forks(s, d, depth - 1);
    case 2: co_return co_await nursery(s, d, depth - 1);
    case 3: co_return co_await masked(s, d, depth - 1);
    case 4: co_return co_await signalled(s, d, depth - 1);
    case 5: co_await coir::when_all(child(), child(), child()); break;
    case 6: co_return co_await coir::race(child(), child(), child());
    case 7: co_await coir::timeout(coir::timeout(child(), a_while(d)), a_while(d)); break;
    default: {
        auto const runs = std::make_shared<std::atomic<int>>(0);
        auto closes = [&s, runs] { return finalize(s, runs); };
        ++s.opened;
        co_return co_await coir::ensuring(child(), coir::moved(closes));
    }
    }
    co_return 1;
}

// Says nothing about the ends that nobody looked at: there are many.
class quiet_pool_roots {
public:
    explicit quiet_pool_roots(coir::thread_pool& pool) : pool_{pool} {}
    void grow(shared& s, unsigned seed, unsigned depth) {
        roots_.push_back(pool_.spawn(node, std::ref(s), seed, depth));
    }
    void interrupt(std::size_t i) { roots_[i % roots_.size()].request_interrupt(); }
    std::size_t ended() const {
        std::size_t n = 0;
        for (auto const& r : roots_) {
            n += r.poll() != nullptr ? 1U : 0U;
        }
        return n;
    }
    std::size_t size() const { return roots_.size(); }

private:
    coir::thread_pool& pool_;
    std::vector<coir::fiber<int, failed>> roots_;
};

void one_forest(unsigned seed) {
    INFO("seed " << seed);
    constexpr unsigned trees = 24;
    constexpr unsigned depth = 4;
    shared s;
    dice d{seed};
    {
        coir::thread_pool pool{4};
        quiet_pool_roots roots{pool};
        for (unsigned i = 0; i < trees; ++i) {
            roots.grow(s, static_cast<unsigned>(d()), depth);
        }
        for (unsigned i = 0; i < trees / 2; ++i) {
            std::this_thread::sleep_for(a_while(d) / 2);
            roots.interrupt(roll(d, trees));
            if (i == trees / 4) {
                s.signal.succeed();
            }
        }
        pool.shutdown();
        CHECK(roots.ended() == roots.size());
    }
    CHECK(s.opened == s.closed);
    CHECK(s.finalized_twice == 0);
    CHECK(s.signal.waiter_count() == 0);
}

} // namespace

TEST_CASE(
    "forests of fibers that are interrupted at random clean up everything once [F5, F6, F17, I11, I14, R1, R15]") {
    for (unsigned seed = 1; seed <= 100 * coir_test::stress_scale(); ++seed) {
        one_forest(seed);
    }
}

TEST_CASE("a scope counts who is forked from another thread while it closes [F9]") {
    coir::thread_pool pool{2};
    std::atomic<int> forked{0};
    std::atomic<int> ended{0};
    for (unsigned round = 1; round <= 300 * coir_test::stress_scale(); ++round) {
        deferred<scope<>*> open;
        deferred<> done;
        std::thread outside{[&] {
            open.wait();
            for (int i = 0; i < 4; ++i) {
                ++forked;
                static_cast<void>((*open.poll()->value()).fork([&]() -> task<> { co_await coir::yield(); }));
            }
            done.succeed();
        }};
        auto body = [&](scope<>& s) -> task<> {
            // The scope lives until its finalizers have run, closed or not.
            s.add_finalizer([&]() -> task<> { co_await done; });
            open.succeed(&s);
            co_return;
        };
        auto const run = [&]() -> task<> {
            co_await coir::with_scope(body);
            ++ended;
        };
        CHECK(pool.run(run).is_success());
        outside.join();
    }
    CHECK(forked == 4 * ended);
}

// The canceller of the children holds their scope's lock for a moment, and may have to wake those
// that the signal completes, the owner of the scope among them.
TEST_CASE("a signal that ends a scope while its children are interrupted blocks nobody [I1, X1]") {
    coir::thread_pool pool{2};
    for (unsigned round = 1; round <= 300 * coir_test::stress_scale(); ++round) {
        deferred<> signal;
        deferred<> done;
        deferred<scope<>*> open;
        auto body = [&](scope<>& s) -> task<> {
            for (int i = 0; i < 8; ++i) {
                s.fork([&]() -> task<> { co_await signal; });
            }
            s.fork([&]() -> task<> { co_await coir::uninterruptible(done); });
            co_await coir::sleep_for(20us);
            open.succeed(&s);
        };
        auto const limited = [&]() -> task<> { co_await coir::interrupt_when(coir::with_scope(body), signal); };
        std::thread interrupting{[&] {
            open.wait();
            (*open.poll()->value()).request_interrupt();
            done.succeed();
        }};
        std::thread signalling{[&] {
            open.wait();
            signal.succeed();
        }};
        CHECK(pool.run(limited).is_success());
        interrupting.join();
        signalling.join();
    }
}
