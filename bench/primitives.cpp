// What the machine asks for: every other row is reported as a multiple of primitive/rmw.
#include "harness.hpp"

#include <coir/detail/frame_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace {

void rmw(benchmark::State& state) {
    std::atomic<std::uint64_t> word{0};
    for (auto _ : state) {
        benchmark::DoNotOptimize(word.fetch_add(1, std::memory_order_acq_rel));
    }
}
BENCHMARK(rmw)->Name("primitive/rmw");

void exchange(benchmark::State& state) {
    std::atomic<std::uint64_t> word{0};
    for (auto _ : state) {
        benchmark::DoNotOptimize(word.exchange(1, std::memory_order_acq_rel));
    }
}
BENCHMARK(exchange)->Name("primitive/exchange");

void malloc_free(benchmark::State& state) {
    for (auto _ : state) {
        void* const p = std::malloc(128);
        benchmark::DoNotOptimize(p);
        std::free(p);
    }
}
BENCHMARK(malloc_free)->Name("primitive/malloc_free");

void frame_pool(benchmark::State& state) {
    for (auto _ : state) {
        void* const p = coir::detail::allocate_frame(128);
        benchmark::DoNotOptimize(p);
        coir::detail::deallocate_frame(p, 128);
    }
}
BENCHMARK(frame_pool)->Name("primitive/frame_pool");

BENCH_NOINLINE void do_throw(int what) { throw what; }

void throw_catch(benchmark::State& state) {
    for (auto _ : state) {
        try {
            do_throw(1);
        } catch (int what) {
            benchmark::DoNotOptimize(what);
        }
    }
}
BENCHMARK(throw_catch)->Name("primitive/throw_catch");

void clock_read(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(std::chrono::steady_clock::now());
    }
}
BENCHMARK(clock_read)->Name("primitive/clock_read");

} // namespace
