// cppcoro: task, async_manual_reset_event (no value, a wait cannot be cancelled), async_scope on a
// static_thread_pool, async_generator. Where ours runs on a run_loop, this resumes inline.
#include "peer.hpp"

#include <cppcoro/async_generator.hpp>
#include <cppcoro/async_manual_reset_event.hpp>
#include <cppcoro/async_scope.hpp>
#include <cppcoro/static_thread_pool.hpp>
#include <cppcoro/sync_wait.hpp>
#include <cppcoro/task.hpp>

#include <stdexcept>

namespace {

using cppcoro::task;
using event = cppcoro::async_manual_reset_event;

bool const named = bench::name_peer("cppcoro");

template <auto body>
void inline_here(benchmark::State& state) {
    cppcoro::sync_wait(body(state));
}

task<> go_to(cppcoro::static_thread_pool& pool, task<> (*body)(benchmark::State&, cppcoro::static_thread_pool&),
             benchmark::State& state) {
    co_await pool.schedule();
    co_await body(state, pool);
}

template <auto body, unsigned threads>
void on_pool(benchmark::State& state) {
    cppcoro::static_thread_pool pool{threads};
    cppcoro::sync_wait(go_to(pool, body, state));
}

task<> ready(benchmark::State& state) {
    for (auto _ : state) {
        event e;
        benchmark::DoNotOptimize(&e);
        e.set();
        co_await e;
    }
}
BENCHMARK(inline_here<ready>)->Name("deferred/ready_void");

using relay = bench::relay<event>;

task<> run_lane(relay& r, std::size_t lane) {
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

task<> await_first(benchmark::State& state) {
    relay r;
    cppcoro::async_scope scope;
    r.renew(0);
    for (std::size_t lane = 0; lane < relay::lanes; ++lane) {
        scope.spawn(run_lane(r, lane));
    }
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
    co_await scope.join();
}
BENCHMARK(inline_here<await_first>)->Name("deferred/await_first/run_loop");

task<> wait_for(event& e, std::size_t& ended) {
    co_await e;
    ++ended;
}

enum class part { enlist, wake };

template <part measured>
task<> crowd(benchmark::State& state) {
    auto const n = state.range(0);
    bench::scales scale{state};
    while (state.KeepRunningBatch(n)) {
        event e;
        std::size_t ended = 0;
        cppcoro::async_scope scope;
        scale.before();
        bench::stopwatch const enlisting;
        for (std::int64_t i = 0; i < n; ++i) {
            scope.spawn(wait_for(e, ended));
        }
        double const enlisted = enlisting.seconds();
        scale.after(n);
        bench::stopwatch const waking;
        e.set();
        state.SetIterationTime(measured == part::enlist ? enlisted : waking.seconds());
        co_await scope.join();
    }
}
BENCHMARK(inline_here<crowd<part::enlist>>)->Name("deferred/crowd/enlist")->Apply(bench::growth);
BENCHMARK(inline_here<crowd<part::wake>>)->Name("deferred/crowd/wake")->Apply(bench::growth);

BENCH_NOINLINE task<int> trivial() { co_return 1; }

task<> call(benchmark::State& state) {
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
task<> through_10_frames(benchmark::State& state) {
    for (auto _ : state) {
        try {
            benchmark::DoNotOptimize(co_await descend(10, fails));
        } catch (std::runtime_error const&) {
        }
    }
}
BENCHMARK(inline_here<through_10_frames<false>>)->Name("task/success_through_10");
BENCHMARK(inline_here<through_10_frames<true>>)->Name("task/failure_through_10");

task<> yielding(benchmark::State& state, cppcoro::static_thread_pool& pool) {
    for (auto _ : state) {
        co_await pool.schedule();
    }
}
BENCHMARK(on_pool<yielding, 1>)->Name("task/yield/pool_1")->MeasureProcessCPUTime();

task<> on_its_own(cppcoro::static_thread_pool& pool, int& value) {
    co_await pool.schedule();
    value = co_await trivial();
}

task<> fork_join(benchmark::State& state, cppcoro::static_thread_pool& pool) {
    for (auto _ : state) {
        int value = 0;
        cppcoro::async_scope scope;
        scope.spawn(on_its_own(pool, value));
        co_await scope.join();
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(on_pool<fork_join, 1>)->Name("fork/join/pool_1")->MeasureProcessCPUTime();
BENCHMARK(on_pool<fork_join, 2>)->Name("fork/join/pool_2")->UseRealTime();

using numbers = cppcoro::async_generator<unsigned>;

BENCH_NOINLINE numbers count_to(unsigned n) {
    for (unsigned i = 0; i < n; ++i) {
        co_yield i;
    }
}

template <class F>
numbers transform(numbers source, F f) {
    auto i = co_await source.begin();
    while (i != source.end()) {
        co_yield f(*i);
        i = co_await ++i;
    }
}

template <class F>
numbers filter(numbers source, F keep) {
    auto i = co_await source.begin();
    while (i != source.end()) {
        if (keep(*i)) {
            co_yield *i;
        }
        i = co_await ++i;
    }
}

numbers ten_stages(numbers source) {
    using namespace bench::stages;
    auto first = transform(filter(transform(std::move(source), triple), not_eighth), flip);
    auto second = filter(transform(transform(std::move(first), add), halve), not_third_bit);
    return transform(transform(transform(transform(std::move(second), triple), flip), add), halve);
}

template <bool staged>
task<> consume(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        auto source = count_to(bench::stream_length);
        if constexpr (staged) {
            source = ten_stages(std::move(source));
        }
        unsigned sum = 0;
        auto i = co_await source.begin();
        while (i != source.end()) {
            sum += *i;
            i = co_await ++i;
        }
        benchmark::DoNotOptimize(sum);
    }
}
BENCHMARK(inline_here<consume<true>>)->Name("stream/ten_stages");
BENCHMARK(inline_here<consume<false>>)->Name("stream/generator");

} // namespace
