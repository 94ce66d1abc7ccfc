// What belongs to a scope is dropped on other threads while the scope closes and goes, and
// callbacks come by while fibers are taken out of what they wait for.
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

using coir::outcome;
using coir::scope;
using coir::shared_deferred;
using coir::task;

namespace {

using handle = std::optional<shared_deferred<int>>;

void linger(unsigned steps) {
    for (std::atomic<unsigned> n{0}; n < steps; ++n) {
    }
}

// Drops handles as soon as it may.
class dropper {
public:
    explicit dropper(unsigned delay) : delay_{delay} {}
    ~dropper() { thread_.join(); }

    void go() { go_ = true; }
    handle mine;

private:
    void drop() {
        while (!go_) {
            std::this_thread::yield();
        }
        linger(delay_);
        mine.reset();
    }

    unsigned const delay_;
    std::atomic<bool> go_{false};
    std::thread thread_{[this] { drop(); }};
};

} // namespace

TEST_CASE("deferreds of a scope are dropped on other threads while the scope ends [D36]") {
    coir::thread_pool pool{2};
    unsigned interrupted = 0;
    unsigned const rounds = 500 * coir_test::stress_scale();
    for (unsigned i = 0; i < rounds; ++i) {
        dropper first{i * 7 % 100};
        dropper second{i * 3 % 100};
        handle kept;
        auto const root = [&]() -> task<> {
            auto const body = [&](scope<>& s) -> task<> {
                first.mine.emplace(coir::make_deferred<int>(s));
                second.mine.emplace(coir::make_deferred<int>(s));
                kept.emplace(coir::make_deferred<int>(s));
                first.go();
                second.go();
                linger(i * 13 % 150);
                co_return;
            };
            co_await coir::with_scope(body);
        };
        CHECK(pool.run(root).is_success());
        interrupted += (*kept)->poll()->is_interrupted() ? 1 : 0;
    }
    CHECK(interrupted == rounds);
}

TEST_CASE("a callback destroys what another fiber waits for that is being interrupted too [D16 D32]") {
    coir::thread_pool pool{2};
    unsigned const rounds = 300 * coir_test::stress_scale();
    for (unsigned i = 0; i < rounds; ++i) {
        coir::deferred<int> first;
        auto second = std::make_unique<coir::deferred<int>>();
        auto const drops = first.on_done([&](outcome<int> const&) noexcept { second.reset(); });
        std::atomic<bool> go{false};
        auto const root = [&]() -> task<> {
            auto const parent = [&]() -> task<> { // at whose end the children are interrupted
                auto const waits_for = [](coir::deferred<int>* d) -> task<int> { co_return co_await *d; };
                coir::fork(waits_for, second.get());
                coir::fork(waits_for, &first);
                while (first.waiter_count() != 2 || second->waiter_count() != 1) {
                    co_await coir::yield();
                }
                go = true;
            };
            auto const running = coir::fork(parent);
            co_await running.await();
        };
        std::thread completer{[&] {
            while (!go) {
                std::this_thread::yield();
            }
            linger(i % 50);
            first.succeed(1);
        }};
        CHECK(pool.run(root).is_success());
        completer.join();
        CHECK(second == nullptr);
    }
}
