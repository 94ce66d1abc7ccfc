// folly::coro: Task, Baton (no value; a wait cannot be cancelled), Task::start() and
// AsyncGenerator, on the queue that blockingWait() drives: where ours runs on a run_loop.
#include "peer.hpp"

#include <folly/coro/AsyncGenerator.h>
#include <folly/coro/Baton.h>
#include <folly/coro/BlockingWait.h>
#include <folly/coro/CurrentExecutor.h>
#include <folly/coro/Filter.h>
#include <folly/coro/Task.h>
#include <folly/coro/Transform.h>

#include <stdexcept>
#include <vector>

namespace {

using folly::coro::Baton;
using folly::coro::Task;

bool const named = bench::name_peer("folly");

template <auto body>
void on_its_queue(benchmark::State& state) {
    folly::coro::blockingWait(body(state));
}

Task<void> ready(benchmark::State& state) {
    for (auto _ : state) {
        Baton done;
        benchmark::DoNotOptimize(&done);
        done.post();
        co_await done;
    }
}
BENCHMARK(on_its_queue<ready>)->Name("deferred/ready_void");

using relay = bench::relay<Baton>;

Task<void> run_lane(relay& r, std::size_t lane) {
    for (std::size_t set = 0;; set = 1 - set) {
        co_await *r.sets[set][lane];
        if (r.stopping) {
            co_return;
        }
        if (++r.woken == relay::lanes) {
            r.all_woken->post();
        }
    }
}

Task<void> await_first(benchmark::State& state) {
    relay r;
    r.renew(0);
    std::vector<folly::SemiFuture<folly::Unit>> lanes;
    for (std::size_t lane = 0; lane < relay::lanes; ++lane) {
        lanes.push_back(co_withExecutor(co_await folly::coro::co_current_executor, run_lane(r, lane)).start());
    }
    co_await folly::coro::co_reschedule_on_current_executor; // they wait now
    std::size_t set = 0;
    for (; state.KeepRunningBatch(relay::lanes); set = 1 - set) {
        r.renew(1 - set);
        r.all_woken.emplace();
        r.woken = 0;
        for (auto& e : r.sets[set]) {
            e->post();
        }
        co_await *r.all_woken;
    }
    r.stopping = true;
    for (auto& e : r.sets[set]) {
        e->post();
    }
    for (auto& lane : lanes) {
        co_await std::move(lane);
    }
}
BENCHMARK(on_its_queue<await_first>)->Name("deferred/await_first/run_loop");

BENCH_NOINLINE Task<int> trivial() { co_return 1; }

Task<void> call(benchmark::State& state) {
    for (auto _ : state) {
        int const value = co_await trivial();
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(on_its_queue<call>)->Name("task/call");

Task<void> yielding(benchmark::State& state) {
    for (auto _ : state) {
        co_await folly::coro::co_reschedule_on_current_executor;
    }
}
BENCHMARK(on_its_queue<yielding>)->Name("task/yield/run_loop");

BENCH_NOINLINE Task<int> descend(int depth, bool fails) {
    if (depth > 1) {
        co_return co_await descend(depth - 1, fails);
    }
    if (fails) {
        co_yield folly::coro::co_error(std::runtime_error{"refused"});
    }
    co_return 1;
}

// A failure that is passed on as a value: neither thrown nor caught on the way.
BENCH_NOINLINE Task<int> descend_nothrow(int depth, bool fails) {
    if (depth > 1) {
        co_return co_await folly::coro::co_nothrow(descend_nothrow(depth - 1, fails));
    }
    if (fails) {
        co_yield folly::coro::co_error(std::runtime_error{"refused"});
    }
    co_return 1;
}

template <auto down, bool fails>
Task<void> through_10_frames(benchmark::State& state) {
    for (auto _ : state) {
        auto const end = co_await folly::coro::co_awaitTry(down(10, fails));
        if (end.hasException() != fails) {
            state.SkipWithError("unexpected result");
        }
    }
}
BENCHMARK(on_its_queue<through_10_frames<descend, false>>)->Name("task/success_through_10");
BENCHMARK(on_its_queue<through_10_frames<descend_nothrow, true>>)->Name("task/failure_through_10");

Task<void> fork_join(benchmark::State& state) {
    for (auto _ : state) {
        int const value = co_await co_withExecutor(co_await folly::coro::co_current_executor, trivial()).start();
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(on_its_queue<fork_join>)->Name("fork/join/run_loop");

using numbers = folly::coro::AsyncGenerator<unsigned&&>;

BENCH_NOINLINE numbers count_to(unsigned n) {
    for (unsigned i = 0; i < n; ++i) {
        co_yield unsigned{i};
    }
}

numbers ten_stages(numbers source) {
    using namespace bench::stages;
    using folly::coro::filter, folly::coro::transform;
    numbers first = transform(filter(transform(std::move(source), triple), not_eighth), flip);
    numbers second = filter(transform(transform(std::move(first), add), halve), not_third_bit);
    return transform(transform(transform(transform(std::move(second), triple), flip), add), halve);
}

template <bool staged>
Task<void> consume(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        numbers source = count_to(bench::stream_length);
        if constexpr (staged) {
            source = ten_stages(std::move(source));
        }
        unsigned sum = 0;
        while (auto next = co_await source.next()) {
            sum += *next;
        }
        benchmark::DoNotOptimize(sum);
    }
}
BENCHMARK(on_its_queue<consume<true>>)->Name("stream/ten_stages");
BENCHMARK(on_its_queue<consume<false>>)->Name("stream/generator");

} // namespace
