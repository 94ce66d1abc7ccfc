// Fused stages against the loop written by hand, what interrupt_when adds, and generators.
#include "coir_runner.hpp"

#include <coir/deferred.hpp>
#include <coir/stream.hpp>

#include <functional>
#include <ranges>

namespace {

using namespace bench::stages;
using coir::task;
namespace streams = coir::streams;

auto numbers(unsigned n) { return streams::from(std::views::iota(0U, n)); }

// The ten stages, and again from the first if there are to be more.
template <int depth, int first = 0, class S>
auto staged(S source) {
    if constexpr (depth == first) {
        return source;
    } else {
        return staged<depth, first + 1>(
            visit_stage<first % 10>([&](auto f) { return std::move(source) | streams::transform(f); },
                                    [&](auto keep) { return std::move(source) | streams::filter(keep); }));
    }
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
void hide(unsigned& x) { asm volatile("" : "+r"(x)); }

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
        check(state, co_await (staged<10>(numbers(length())) | streams::fold(0U, std::plus<>{})));
    }
}
BENCHMARK(bench::on_run_loop<ten_fused>)->Name("stream/ten_stages");

template <int depth>
task<> fused(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        unsigned const sum = co_await (staged<depth>(numbers(length())) | streams::fold(0U, std::plus<>{}));
        benchmark::DoNotOptimize(sum);
    }
}
BENCHMARK(bench::on_run_loop<fused<1>>)->Name("stream/depth/1");
BENCHMARK(bench::on_run_loop<fused<2>>)->Name("stream/depth/2");
BENCHMARK(bench::on_run_loop<fused<5>>)->Name("stream/depth/5");
BENCHMARK(bench::on_run_loop<fused<10>>)->Name("stream/depth/10");
BENCHMARK(bench::on_run_loop<fused<20>>)->Name("stream/depth/20");

task<> ten_interruptible(benchmark::State& state) {
    coir::deferred<> stop;
    while (state.KeepRunningBatch(bench::stream_length)) {
        check(state, co_await (staged<10>(numbers(length())) | streams::interrupt_when(stop) |
                               streams::fold(0U, std::plus<>{})));
    }
}
BENCHMARK(bench::on_run_loop<ten_interruptible>)->Name("stream/ten_stages_interrupt_when");

// A function that nobody sees through: nothing is vectorised.
task<> ten_scalar(benchmark::State& state) {
    auto look = [](unsigned x) { hide(x); };
    while (state.KeepRunningBatch(bench::stream_length)) {
        check(state, co_await (staged<10>(numbers(length()) | streams::tap(look)) | streams::fold(0U, std::plus<>{})));
    }
}
BENCHMARK(bench::on_run_loop<ten_scalar>)->Name("stream/ten_stages_scalar");

task<> ten_scalar_interruptible(benchmark::State& state) {
    coir::deferred<> stop;
    auto look = [](unsigned x) { hide(x); };
    while (state.KeepRunningBatch(bench::stream_length)) {
        check(state, co_await (staged<10>(numbers(length()) | streams::tap(look)) | streams::interrupt_when(stop) |
                               streams::fold(0U, std::plus<>{})));
    }
}
BENCHMARK(bench::on_run_loop<ten_scalar_interruptible>)->Name("stream/ten_stages_scalar_interrupt_when");

task<> ten_erased(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        coir::stream<unsigned> all = staged<10>(numbers(length()));
        check(state, co_await (std::move(all) | streams::fold(0U, std::plus<>{})));
    }
}
BENCHMARK(bench::on_run_loop<ten_erased>)->Name("stream/ten_stages_erased");

task<> ten_by_hand(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        unsigned sum = 0;
        auto body = [&sum](auto& in) -> task<> {
            while (auto const x = co_await coir::next(in)) {
                sum += *x;
            }
        };
        co_await coir::with_stream(staged<10>(numbers(length())), body);
        check(state, sum);
    }
}
BENCHMARK(bench::on_run_loop<ten_by_hand>)->Name("stream/ten_stages_by_hand");

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

// One stage that awaits a task for each element.
task<> awaited(benchmark::State& state) {
    auto work = [](unsigned x) -> task<unsigned> { co_return x + 1; };
    while (state.KeepRunningBatch(bench::stream_length)) {
        unsigned const sum = co_await (numbers(length()) | streams::transform(work) | streams::fold(0U, std::plus<>{}));
        benchmark::DoNotOptimize(sum);
    }
}
BENCHMARK(bench::on_run_loop<awaited>)->Name("stream/transform_task");

} // namespace
