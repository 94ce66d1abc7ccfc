// What the benchmarks of coir and of its peers share. A row has the same name in all of them;
// compare.py joins on it. Every row reports the time of one operation.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <numeric>
#include <random>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define BENCH_NOINLINE __declspec(noinline)
#else
#define BENCH_NOINLINE __attribute__((noinline))
#endif

namespace bench {

// Bytes that malloc has handed out, where the C library tells. Slow: it walks the free lists.
inline double heap_bytes() {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    auto const info = mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
#else
    return 0;
#endif
}

// Weighs what a waiter costs in the first batch of a run: the counter bytes_per_waiter. What
// frame caches hold from before is not seen, so only large batches tell.
class scales {
public:
    explicit scales(benchmark::State& s) : state_{s} {}

    void before() {
        if (!weighed_) {
            before_ = heap_bytes();
        }
    }
    void after(std::int64_t waiters) {
        if (!weighed_) {
            state_.counters["bytes_per_waiter"] = (heap_bytes() - before_) / static_cast<double>(waiters);
            weighed_ = true;
        }
    }

private:
    benchmark::State& state_;
    double before_ = 0;
    bool weighed_ = false;
};

// Measures the CPU time of this thread, so that others on the machine disturb less. Reading that
// clock is a system call: its cost, measured once, is taken off.
class stopwatch {
public:
    double seconds() const { return (std::max)(elapsed() - clock_cost(), 1e-9); }

private:
    static double now() {
#if defined(CLOCK_THREAD_CPUTIME_ID)
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
#else
        return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
    }

    static double clock_cost() {
        static double const cost = [] {
            double least = 1;
            for (int i = 0; i < 1000; ++i) {
                least = (std::min)(least, stopwatch{}.elapsed());
            }
            return least;
        }();
        return cost;
    }

    double elapsed() const { return now() - start_; }

    double start_ = now();
};

enum class order { in_order, random };

// 0 to n-1, in the order in which waiters are to go; the same in every run.
inline std::vector<std::size_t> indices(std::size_t n, order o) {
    std::vector<std::size_t> all(n);
    std::iota(all.begin(), all.end(), std::size_t{0});
    if (o == order::random) {
        std::shuffle(all.begin(), all.end(), std::minstd_rand{1});
    }
    return all;
}

// How an operation grows with the number of those who wait: 10 to 1,000,000. The body measures
// the part it means itself and calls KeepRunningBatch, so that a row is the time per waiter.
inline void growth(benchmark::internal::Benchmark* b) { b->RangeMultiplier(10)->Range(10, 1'000'000)->UseManualTime(); }

// The ten stages of the stream rows, for values that a loop can be vectorised over.
namespace stages {

inline constexpr auto triple = [](unsigned x) noexcept { return x * 3; };
inline constexpr auto flip = [](unsigned x) noexcept { return x ^ 0x55U; };
inline constexpr auto add = [](unsigned x) noexcept { return x + 7; };
inline constexpr auto halve = [](unsigned x) noexcept { return x >> 1U; };
inline constexpr auto not_eighth = [](unsigned x) noexcept { return (x & 7U) != 0; };
inline constexpr auto not_third_bit = [](unsigned x) noexcept { return (x & 12U) != 4U; };

// The n-th of the ten is made by the first function from a change, or by the second from a condition.
template <int n, class Transform, class Filter>
constexpr auto visit_stage(Transform transform, Filter filter) {
    if constexpr (n == 1) {
        return filter(not_eighth);
    } else if constexpr (n == 5) {
        return filter(not_third_bit);
    } else if constexpr (n == 0 || n == 6) {
        return transform(triple);
    } else if constexpr (n == 2 || n == 7) {
        return transform(flip);
    } else if constexpr (n == 3 || n == 8) {
        return transform(add);
    } else {
        return transform(halve);
    }
}

} // namespace stages

inline constexpr unsigned stream_length = 100'000;

} // namespace bench
