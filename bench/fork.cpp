// A whole fiber each time: forked, run, joined; with outcome, interruption, supervision.
#include "coir_runner.hpp"

#include <coir/fiber.hpp>

namespace {

using coir::task;

BENCH_NOINLINE task<int> trivial() { co_return 1; }

task<> fork_join(benchmark::State& state) {
    for (auto _ : state) {
        auto child = coir::fork(trivial());
        int const value = co_await std::move(child);
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(bench::on_run_loop<fork_join>)->Name("fork/join/run_loop");
BENCHMARK(bench::on_pool<fork_join, 1>)->Name("fork/join/pool_1")->MeasureProcessCPUTime();
// With an idle second worker that steals.
BENCHMARK(bench::on_pool<fork_join, 2>)->Name("fork/join/pool_2")->UseRealTime();

} // namespace
