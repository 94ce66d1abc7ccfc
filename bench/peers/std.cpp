// The standard library: std::promise and std::future, and views.
#include "peer.hpp"

#include <future>
#include <ranges>

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

template <int depth, int first = 0, class V>
auto staged(V source) {
    using namespace bench::stages;
    if constexpr (depth == first) {
        return source;
    } else {
        return staged<depth, first + 1>(
            visit_stage<first % 10>([&](auto f) { return std::move(source) | std::views::transform(f); },
                                    [&](auto keep) { return std::move(source) | std::views::filter(keep); }));
    }
}

template <int depth>
void views(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        unsigned n = bench::stream_length;
        asm volatile("" : "+r"(n));
        unsigned sum = 0;
        for (unsigned x : staged<depth>(std::views::iota(0U, n))) {
            sum += x;
        }
        benchmark::DoNotOptimize(sum);
    }
}
BENCHMARK(views<10>)->Name("stream/ten_stages");
BENCHMARK(views<1>)->Name("stream/depth/1");
BENCHMARK(views<2>)->Name("stream/depth/2");
BENCHMARK(views<5>)->Name("stream/depth/5");
BENCHMARK(views<10>)->Name("stream/depth/10");
BENCHMARK(views<20>)->Name("stream/depth/20");

} // namespace
