// The standard library: std::promise and std::future.
#include "peer.hpp"

#include <future>

namespace {

bool const named = bench::name_peer("std");

void ready(benchmark::State& state) {
    for (auto _ : state) {
        std::promise<int> p;
        benchmark::DoNotOptimize(&p);
        p.set_value(1);
        benchmark::DoNotOptimize(p.get_future().get());
    }
}
BENCHMARK(ready)->Name("deferred/ready");

} // namespace
