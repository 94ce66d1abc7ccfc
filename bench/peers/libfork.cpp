// libfork: fork and join by continuation stealing; strictly nested, nothing to wait for but a join.
#include "peer.hpp"

#include <libfork.hpp>

namespace {

bool const named = bench::name_peer("libfork");

constexpr auto trivial = [](auto) -> lf::task<int> { co_return 1; };

constexpr auto call = [](auto, benchmark::State* state) -> lf::task<void> {
    while (state->KeepRunning()) {
        int value = 0;
        co_await lf::call(&value, trivial)();
        benchmark::DoNotOptimize(value);
    }
};

constexpr auto fork_join = [](auto, benchmark::State* state) -> lf::task<void> {
    while (state->KeepRunning()) {
        int value = 0;
        co_await lf::fork(&value, trivial)();
        co_await lf::join;
        benchmark::DoNotOptimize(value);
    }
};

template <auto const& body, unsigned threads>
void on_pool(benchmark::State& state) {
    lf::lazy_pool pool{threads};
    lf::sync_wait(pool, body, &state);
}
BENCHMARK(on_pool<call, 1>)->Name("task/call")->MeasureProcessCPUTime();
BENCHMARK(on_pool<fork_join, 1>)->Name("fork/join/pool_1")->MeasureProcessCPUTime();
BENCHMARK(on_pool<fork_join, 2>)->Name("fork/join/pool_2")->UseRealTime();

} // namespace
