// Queues and pubsubs between fibers of a thread pool that are interrupted at any moment.
#include <coir/interrupt.hpp>
#include <coir/runtime/sync_wait.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/sync/pubsub.hpp>
#include <coir/sync/queue.hpp>
#include <coir/testing/explore.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

using namespace coir;
using namespace std::chrono_literals;

namespace {

// What went in and came out, by number.
struct ledger {
    explicit ledger(std::size_t size) : pushed(size), popped(size) {}

    std::vector<std::atomic<int>> pushed;
    std::vector<std::atomic<int>> popped;
};

std::chrono::microseconds any_moment(scheduler& s) { return std::chrono::microseconds{s.random() % 60}; }

// The library's word on each push is taken down before anything can interrupt the fiber again.
task<> produce(queue<std::unique_ptr<int>>& q, ledger& l, scheduler& s, int first, int last) {
    for (int n = first; n != last; ++n) {
        auto element = std::make_unique<int>(n);
        auto const pushed = co_await timeout(q.push(std::move(element)), any_moment(s));
        if (pushed && *pushed) {
            ++l.pushed[static_cast<std::size_t>(n)];
        } else if (element == nullptr || *element != n) {
            throw std::logic_error{"a push that was not accepted took its element"};
        }
    }
}

task<> consume(queue<std::unique_ptr<int>>& q, ledger& l, scheduler& s) {
    for (;;) {
        auto const popped = co_await timeout(timeout(q.pop(), any_moment(s)), 40us);
        if (!popped || !*popped) {
            continue; // either timeout
        }
        if (!**popped) {
            co_return;
        }
        ++l.popped[static_cast<std::size_t>(***popped == nullptr ? 0 : ****popped)];
    }
}

void check_ledger(ledger& l, std::size_t dropped = 0) {
    std::size_t lost = 0;
    for (std::size_t n = 0; n != l.pushed.size(); ++n) {
        int const in = l.pushed[n];
        int const out = l.popped[n];
        REQUIRE(out <= in);
        lost += static_cast<std::size_t>(in - out);
    }
    CHECK(lost == dropped);
}

constexpr int per_producer = 300;
constexpr int producers = 3;

task<> exchange(queue<std::unique_ptr<int>>& q, ledger& l, scheduler& s) {
    std::array<fiber<>, producers> pushing;
    std::array<fiber<>, 3> popping;
    for (auto& f : popping) {
        f = fork(consume, std::ref(q), std::ref(l), std::ref(s));
    }
    int first = 0;
    for (auto& f : pushing) {
        f = fork(produce, std::ref(q), std::ref(l), std::ref(s), first, first + per_producer);
        first += per_producer;
    }
    for (auto& f : pushing) {
        co_await f;
    }
    q.close();
    co_await q.drained();
    for (auto& f : popping) {
        co_await f;
    }
}

} // namespace

TEST_CASE("pushes and pops that time out neither lose nor duplicate an element [Q7][Q8][Q9]") {
    thread_pool pool{4};
    for (unsigned round = 0; round != 100 * coir_test::stress_scale(); ++round) {
        queue<std::unique_ptr<int>> q{bounded(round % 3)};
        ledger l{producers * per_producer};
        static_cast<void>(pool.run(exchange, std::ref(q), std::ref(l), std::ref(pool)).value());
        check_ledger(l);
    }
}

TEST_CASE("whatever is interrupted, who remains is served [Q6][Q8]") {
    thread_pool pool{4};
    for (unsigned round = 0; round != 5000 * coir_test::stress_scale(); ++round) {
        queue<int> q{bounded(1)};
        std::atomic<int> got{0};
        auto const work = [&]() -> task<> {
            bool took = false; // also where it is interrupted after that, at the end of its body
            auto leave = [&]() -> task<> {
                auto const n = co_await q.pop();
                took = n.has_value();
                got += n.value_or(0);
            };
            auto stay = [&]() -> task<> {
                auto const n = co_await q.pop();
                got += n.value_or(0);
            };
            auto leaving = fork(leave);
            auto staying = fork(stay);
            auto pushing = fork([&]() -> task<> {
                push_status const pushed = co_await q.push(1);
                got += pushed ? 0 : 100;
            });
            co_await leaving.interrupt();
            if (took) {
                co_await q.push(1);
            }
            co_await staying;
            co_await pushing;
        };
        auto const end = pool.run(work);
        REQUIRE(end.is_success());
        REQUIRE(got >= 1);
        REQUIRE(got <= 2);
        REQUIRE(q.size() == 0);
    }
}

TEST_CASE("every accepted element is delivered or counted when a queue is shut down [Q18]") {
    thread_pool pool{4};
    for (unsigned round = 0; round != 300 * coir_test::stress_scale(); ++round) {
        queue<int> q{bounded(round % 4)};
        std::atomic<std::size_t> pushed{0};
        std::atomic<std::size_t> popped{0};
        std::size_t dropped = 0;
        auto const work = [&]() -> task<> {
            auto push_many = [&]() -> task<> {
                while (co_await q.push(1)) {
                    ++pushed;
                }
            };
            auto pop_many = [&]() -> task<> {
                while (auto const n = co_await q.pop()) {
                    ++popped;
                }
            };
            std::array all{fork(push_many), fork(pop_many), fork(push_many), fork(pop_many)};
            for (unsigned i = 0; i != round % 32; ++i) {
                co_await yield();
            }
            dropped = q.shutdown();
            for (auto& f : all) {
                co_await f;
            }
        };
        auto const end = pool.run(work);
        REQUIRE(end.is_success());
        REQUIRE(pushed == popped + dropped);
    }
}

TEST_CASE("batches and single pops share a queue while some give up [Q3][Q15][Q18]") {
    thread_pool pool{4};
    for (unsigned round = 0; round != 200 * coir_test::stress_scale(); ++round) {
        queue<int> q{bounded(round % 5)};
        std::atomic<int> sum{0};
        auto const work = [&]() -> task<> {
            auto batches = [&]() -> task<> {
                for (bool more = true; more;) {
                    auto const some = co_await timeout(q.pop_between(3, 7), any_moment(pool));
                    for (int const n : some.value_or(std::vector<int>{})) {
                        sum += n;
                    }
                    more = !some || !some->empty();
                }
            };
            auto singles = [&]() -> task<> {
                while (auto const n = co_await q.pop()) {
                    sum += *n;
                }
            };
            std::array taking{fork(batches), fork(singles), fork(batches)};
            auto push_many = [&]() -> task<std::size_t> {
                std::vector<int> const ones(500, 1);
                co_return co_await q.push_all(ones);
            };
            std::array pushing{fork(push_many), fork(push_many)};
            std::size_t pushed = 0;
            for (auto& f : pushing) {
                pushed += co_await f;
            }
            q.close();
            for (auto& f : taking) {
                co_await f;
            }
            if (pushed != 1000 || sum != 1000) {
                throw std::logic_error{"lost in a batch"};
            }
        };
        auto const end = pool.run(work);
        REQUIRE(end.is_success());
    }
}

TEST_CASE("the destructors of queue and subscription let cancellers on other threads leave [Q12][Q25]") {
    for (unsigned round = 0; round != 500 * coir_test::stress_scale(); ++round) {
        std::size_t ended = 0;
        auto const work = [&]() -> task<> {
            auto q = std::make_unique<queue<int>>(bounded(0));
            pubsub<int> p{bounded(1)};
            auto s = std::make_unique<subscription<int>>(p.subscribe());
            auto popping = [from = q.get()]() -> task<> { co_await from->pop(); };
            auto listening = [from = s.get()]() -> task<> { co_await from->next(); };
            std::array all{fork(popping), fork(listening), fork(popping), fork(listening), fork(popping)};
            co_await yield(); // all of them wait now
            std::thread canceller{[&] {
                for (auto const& f : all) {
                    f.request_interrupt();
                }
            }};
            q.reset();
            s.reset();
            canceller.join();
            for (auto& f : all) {
                auto const& end = co_await f.await();
                ended += end.is_success() || end.is_interrupted() ? 1 : 0;
            }
        };
        auto const end = sync_wait(work);
        REQUIRE(end.is_success());
        REQUIRE(ended == 5);
    }
}

TEST_CASE("subscribers come, give up and go while others publish [Q22][Q24]") {
    thread_pool pool{4};
    for (unsigned round = 0; round != 200 * coir_test::stress_scale(); ++round) {
        pubsub<int> p{bounded(1 + round % 3)};
        auto const work = [&]() -> task<> {
            auto faithful = [](subscription<int> s) -> task<int> {
                int last = 0;
                while (auto const n = co_await s.next()) {
                    if (*n != last + 1) {
                        throw std::logic_error{"a value is missing"};
                    }
                    last = *n;
                }
                co_return last;
            };
            auto fickle = [&]() -> task<> {
                while (!p.is_closed()) {
                    auto s = p.subscribe();
                    int last = 0;
                    for (int i = 0; i != 5; ++i) {
                        auto const n = co_await timeout(s.next(), any_moment(pool));
                        if (!n || !*n) {
                            continue;
                        }
                        if (last != 0 && **n != last + 1) {
                            throw std::logic_error{"a value is missing"};
                        }
                        last = **n;
                    }
                }
            };
            std::array counting{fork(faithful, p.subscribe()), fork(faithful, p.subscribe())};
            std::array coming{fork(fickle), fork(fickle)};
            for (int n = 1; n <= 300;) {
                auto const published = co_await timeout(p.publish(n), 1ms + any_moment(pool));
                n += published && *published ? 1 : 0;
            }
            p.close();
            for (auto& f : counting) {
                int const last = co_await f;
                if (last != 300) {
                    throw std::logic_error{"the end is missing"};
                }
            }
            for (auto& f : coming) {
                co_await f;
            }
        };
        auto const end = pool.run(work);
        if (end.is_defect()) {
            std::rethrow_exception(end.defect());
        }
        REQUIRE(end.is_success());
    }
}

TEST_CASE("under every schedule an element is taken once or stays first [Q7][Q8]") {
    auto const done = explore(coir_test::seeds(), [](test_scheduler&) -> task<> {
        queue<int> q{bounded(2)};
        std::vector<int> got;
        auto pop_one = [&]() -> task<> {
            auto const n = co_await q.pop();
            got.push_back(*n);
        };
        auto first = fork(pop_one);
        auto second = fork(pop_one);
        auto pushing = fork([&]() -> task<> {
            co_await yield();
            co_await q.push(1);
            co_await q.push(2);
        });
        auto asking = fork([&]() -> task<> {
            co_await yield();
            first.request_interrupt();
        });
        co_await pushing;
        co_await asking;
        co_await first.await();
        co_await second;
        while (auto const n = q.try_pop()) {
            got.push_back(*n);
        }
        std::sort(got.begin(), got.end());
        if (got != std::vector<int>{1, 2}) {
            throw std::logic_error{"lost or duplicated"};
        }
    });
    CHECK(done.runs >= 1);
}
