// libcoro: task, event (no value, a wait cannot be cancelled), spawn_joinable on its thread_pool.
// Where ours runs on a run_loop, this resumes inline.
#include "peer.hpp"

#include <coro/event.hpp>
#include <coro/ring_buffer.hpp>
#include <coro/sync_wait.hpp>
#include <coro/task.hpp>
#include <coro/thread_pool.hpp>
#include <coro/when_all.hpp>

#include <memory>
#include <stdexcept>

namespace {

using coro::event;
using coro::task;

bool const named = bench::name_peer("libcoro");

template <auto body>
void inline_here(benchmark::State& state) {
    coro::sync_wait(body(state));
}

using pool_ptr = std::unique_ptr<coro::thread_pool>;

task<void> go_to(coro::thread_pool& pool, task<void> (*body)(benchmark::State&, coro::thread_pool&),
                 benchmark::State& state) {
    co_await pool.schedule();
    co_await body(state, pool);
}

template <auto body, unsigned threads>
void on_pool(benchmark::State& state) {
    coro::thread_pool::options options;
    options.thread_count = threads;
    pool_ptr const pool = coro::thread_pool::make_unique(std::move(options));
    coro::sync_wait(go_to(*pool, body, state));
}

task<void> ready(benchmark::State& state) {
    for (auto _ : state) {
        event e;
        benchmark::DoNotOptimize(&e);
        e.set();
        co_await e;
    }
}
BENCHMARK(inline_here<ready>)->Name("deferred/ready_void");

using relay = bench::relay<event>;

task<void> run_lane(relay& r, std::size_t lane) {
    for (std::size_t set = 0;; set = 1 - set) {
        co_await *r.sets[set][lane];
        if (r.stopping) {
            co_return;
        }
        if (++r.woken == relay::lanes) {
            r.all_woken->set();
        }
    }
}

// Tasks that were resumed by hand; libcoro starts none without an executor.
void start(std::vector<task<void>>& tasks) {
    for (auto& t : tasks) {
        t.resume();
    }
}

task<void> await_first(benchmark::State& state) {
    relay r;
    r.renew(0);
    std::vector<task<void>> lanes;
    for (std::size_t lane = 0; lane < relay::lanes; ++lane) {
        lanes.push_back(run_lane(r, lane));
    }
    start(lanes);
    std::size_t set = 0;
    for (; state.KeepRunningBatch(relay::lanes); set = 1 - set) {
        r.renew(1 - set);
        r.all_woken.emplace();
        r.woken = 0;
        for (auto& e : r.sets[set]) {
            e->set();
        }
        co_await *r.all_woken;
    }
    r.stopping = true;
    for (auto& e : r.sets[set]) {
        e->set();
    }
}
BENCHMARK(inline_here<await_first>)->Name("deferred/await_first/run_loop");

task<void> wait_for(event& e, std::size_t& ended) {
    co_await e;
    ++ended;
}

enum class part { enlist, wake };

template <part measured>
task<void> crowd(benchmark::State& state) {
    auto const n = state.range(0);
    bench::scales scale{state};
    while (state.KeepRunningBatch(n)) {
        event e;
        std::size_t ended = 0;
        std::vector<task<void>> waiters;
        scale.before();
        bench::stopwatch const enlisting;
        for (std::int64_t i = 0; i < n; ++i) {
            waiters.push_back(wait_for(e, ended));
            waiters.back().resume();
        }
        double const enlisted = enlisting.seconds();
        scale.after(n);
        bench::stopwatch const waking;
        e.set();
        waiters.clear();
        state.SetIterationTime(measured == part::enlist ? enlisted : waking.seconds());
    }
    co_return;
}
BENCHMARK(inline_here<crowd<part::enlist>>)->Name("deferred/crowd/enlist")->Apply(bench::growth);
BENCHMARK(inline_here<crowd<part::wake>>)->Name("deferred/crowd/wake")->Apply(bench::growth);

BENCH_NOINLINE task<int> trivial() { co_return 1; }

task<void> call(benchmark::State& state) {
    for (auto _ : state) {
        int const value = co_await trivial();
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(inline_here<call>)->Name("task/call");

BENCH_NOINLINE task<int> descend(int depth, bool fails) {
    if (depth > 1) {
        co_return co_await descend(depth - 1, fails);
    }
    if (fails) {
        throw std::runtime_error{"refused"};
    }
    co_return 1;
}

template <bool fails>
task<void> through_10_frames(benchmark::State& state) {
    for (auto _ : state) {
        try {
            benchmark::DoNotOptimize(co_await descend(10, fails));
        } catch (std::runtime_error const&) {
        }
    }
}
BENCHMARK(inline_here<through_10_frames<false>>)->Name("task/success_through_10");
BENCHMARK(inline_here<through_10_frames<true>>)->Name("task/failure_through_10");

task<void> yielding(benchmark::State& state, coro::thread_pool& pool) {
    for (auto _ : state) {
        co_await pool.yield();
    }
}
BENCHMARK(on_pool<yielding, 1>)->Name("task/yield/pool_1")->MeasureProcessCPUTime();

task<void> child(int& value) { value = co_await trivial(); }

task<void> fork_join(benchmark::State& state, coro::thread_pool& pool) {
    for (auto _ : state) {
        int value = 0;
        co_await pool.spawn_joinable(child(value));
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(on_pool<fork_join, 1>)->Name("fork/join/pool_1")->MeasureProcessCPUTime();
BENCHMARK(on_pool<fork_join, 2>)->Name("fork/join/pool_2")->UseRealTime();

template <std::size_t capacity>
using ring = coro::ring_buffer<unsigned, capacity>;

template <std::size_t capacity>
task<void> produce(ring<capacity>& to) {
    for (unsigned i = 0; i < bench::stream_length; ++i) {
        co_await to.produce(i);
    }
}

template <std::size_t capacity>
task<void> consume(ring<capacity>& from) {
    unsigned sum = 0;
    for (unsigned i = 0; i < bench::stream_length; ++i) {
        sum += *co_await from.consume();
    }
    benchmark::DoNotOptimize(sum);
}

// Each resumes the other inline.
template <std::size_t capacity>
task<void> buffer(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        ring<capacity> elements;
        co_await coro::when_all(consume(elements), produce(elements));
    }
}
BENCHMARK(inline_here<buffer<1>>)->Name("stream/buffer/1");
BENCHMARK(inline_here<buffer<16>>)->Name("stream/buffer/16");
BENCHMARK(inline_here<buffer<256>>)->Name("stream/buffer/256");

} // namespace
