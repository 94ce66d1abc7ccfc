// Calls, failures and yields inside one fiber.
#include "coir_runner.hpp"

#include <coir/adapt.hpp>
#include <coir/time.hpp>

namespace {

using coir::task;

BENCH_NOINLINE task<int> trivial() { co_return 1; }

task<> call(benchmark::State& state) {
    for (auto _ : state) {
        int const value = co_await trivial();
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(bench::on_run_loop<call>)->Name("task/call");

struct refused {
    int code;
};

BENCH_NOINLINE task<int, refused> descend(int depth, bool fails) {
    if (depth > 1) {
        co_return co_await descend(depth - 1, fails);
    }
    if (fails) {
        co_await coir::fail(refused{1});
    }
    co_return 1;
}

template <bool fails>
task<> through_10_frames(benchmark::State& state) {
    for (auto _ : state) {
        auto const end = co_await coir::as_result(descend(10, fails));
        if (end.has_value() == fails) {
            state.SkipWithError("unexpected result");
        }
    }
}
BENCHMARK(bench::on_run_loop<through_10_frames<false>>)->Name("task/success_through_10");
BENCHMARK(bench::on_run_loop<through_10_frames<true>>)->Name("task/failure_through_10");

task<> yielding(benchmark::State& state) {
    for (auto _ : state) {
        co_await coir::yield();
    }
}
BENCHMARK(bench::on_run_loop<yielding>)->Name("task/yield/run_loop");
BENCHMARK(bench::on_pool<yielding, 1>)->Name("task/yield/pool_1")->MeasureProcessCPUTime();

} // namespace
