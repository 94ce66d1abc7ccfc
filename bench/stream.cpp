// Ten fused stages against the loop written by hand, what interrupt_when adds, and generators.
#include "coir_runner.hpp"

#include <coir/deferred.hpp>
#include <coir/stream.hpp>

#include <functional>
#include <ranges>

namespace {

using namespace bench::stages;
using coir::task;
namespace streams = coir::streams;

auto numbers(unsigned n) {
    return streams::from(std::views::iota(0U, n));
}

auto ten_stages() {
    return [](auto source) {
        return std::move(source) | streams::transform(triple) | streams::filter(not_eighth) | streams::transform(flip) |
               streams::transform(add) | streams::transform(halve) | streams::filter(not_third_bit) |
               streams::transform(triple) | streams::transform(flip) | streams::transform(add) |
               streams::transform(halve);
    };
}

// `opaque` hides the element, so that the loop cannot be vectorised.
template <class Opaque>
unsigned by_hand(unsigned n, Opaque opaque) {
    unsigned sum = 0;
    for (unsigned i = 0; i < n; ++i) {
        unsigned x = triple(i);
        opaque(x);
        if (!not_eighth(x)) {
            continue;
        }
        x = halve(add(flip(x)));
        if (!not_third_bit(x)) {
            continue;
        }
        sum += halve(add(flip(triple(x))));
    }
    return sum;
}

unsigned expected() {
    static unsigned const sum = by_hand(bench::stream_length, [](unsigned) {});
    return sum;
}

void check(benchmark::State& state, unsigned sum) {
    if (sum != expected()) {
        state.SkipWithError("wrong sum");
    }
}

// Hides a value from the optimiser. (benchmark::DoNotOptimize may change it on GCC 12.)
void hide(unsigned& x) {
    asm volatile("" : "+r"(x));
}

// Nothing about it is known at compile time.
unsigned length() {
    unsigned n = bench::stream_length;
    hide(n);
    return n;
}

void hand_loop(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        check(state, by_hand(length(), [](unsigned) {}));
    }
}
BENCHMARK(hand_loop)->Name("stream/hand_loop");

void hand_loop_scalar(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        check(state, by_hand(length(), hide));
    }
}
BENCHMARK(hand_loop_scalar)->Name("stream/hand_loop_scalar");

task<> ten_fused(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        check(state, co_await (ten_stages()(numbers(length())) | streams::fold(0U, std::plus<>{})));
    }
}
BENCHMARK(bench::on_run_loop<ten_fused>)->Name("stream/ten_stages");

task<> ten_interruptible(benchmark::State& state) {
    coir::deferred<> stop;
    while (state.KeepRunningBatch(bench::stream_length)) {
        check(state, co_await (ten_stages()(numbers(length())) | streams::interrupt_when(stop) |
                               streams::fold(0U, std::plus<>{})));
    }
}
BENCHMARK(bench::on_run_loop<ten_interruptible>)->Name("stream/ten_stages_interrupt_when");

BENCH_NOINLINE coir::stream<unsigned> count_to(unsigned n) {
    for (unsigned i = 0; i < n; ++i) {
        co_yield unsigned{i};
    }
}

task<> generator(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        unsigned const sum = co_await (count_to(length()) | streams::fold(0U, std::plus<>{}));
        benchmark::DoNotOptimize(sum);
    }
}
BENCHMARK(bench::on_run_loop<generator>)->Name("stream/generator");

} // namespace
