// Stages that own fibers: what an element costs that goes from fiber to fiber.
#include "coir_runner.hpp"

#include <coir/scope.hpp>
#include <coir/stream.hpp>

#include <chrono>
#include <functional>
#include <ranges>

namespace {

using coir::task;
namespace streams = coir::streams;

// Nothing about it is known at compile time. (benchmark::DoNotOptimize may change it on GCC 12.)
unsigned length() {
    unsigned n = bench::stream_length;
    asm volatile("" : "+r"(n));
    return n;
}

auto numbers(unsigned n = length()) { return streams::from(std::views::iota(0U, n)); }
auto sum() { return streams::fold(0U, std::plus<>{}); }

// What the row is given, for those that grow with a number.
std::size_t given(benchmark::State& state) { return static_cast<std::size_t>(state.range(0)); }

// A row is the time of one element; make(state), a pipeline and its sink, has `sides` times the length.
template <auto make, unsigned sides = 1>
task<> run(benchmark::State& state) {
    while (state.KeepRunningBatch(sides * bench::stream_length)) {
        unsigned const result = co_await make(state);
        benchmark::DoNotOptimize(result);
    }
}
template <auto make, unsigned sides = 1>
void measured(benchmark::State& state) {
    bench::on_run_loop<run<make, sides>>(state);
}

// A burst: every element but the last is replaced by the next.
constexpr auto debounce = [](auto&) { return numbers() | streams::debounce(std::chrono::milliseconds{1}) | sum(); };
BENCHMARK(measured<debounce>)->Name("stream/debounce");

// Each side is pulled by a fiber of its own.
constexpr auto merge = [](auto&) { return numbers() | streams::merge(numbers()) | sum(); };
BENCHMARK(measured<merge, 2>)->Name("stream/merge");

constexpr auto merge_8 = [](auto&) {
    return streams::merge(numbers(), numbers(), numbers(), numbers(), numbers(), numbers(), numbers(), numbers()) |
           sum();
};
BENCHMARK(measured<merge_8, 8>)->Name("stream/merge_of_8");

// Owns no fiber: the sides are pulled in turn.
constexpr auto zip = [](auto&) {
    auto first = [](auto&& both) { return std::get<0>(both) + std::get<1>(both); };
    return numbers() | streams::zip(numbers()) | streams::transform(first) | sum();
};
BENCHMARK(measured<zip>)->Name("stream/zip");

constexpr auto zip_latest = [](auto&) {
    auto first = [](auto&& both) { return std::get<0>(both) + std::get<1>(both); };
    return numbers() | streams::zip_latest(numbers()) | streams::transform(first) | sum();
};
BENCHMARK(measured<zip_latest, 2>)->Name("stream/zip_latest");

// Producer and consumer on one loop. With a capacity of one they take turns.
constexpr auto buffer = [](auto& state) { return numbers() | streams::buffer(given(state)) | sum(); };
BENCHMARK(measured<buffer>)->Name("stream/buffer")->Arg(1)->Arg(16)->Arg(256);

constexpr auto buffer_unbounded = [](auto&) { return numbers() | streams::buffer(coir::unbounded()) | sum(); };
BENCHMARK(measured<buffer_unbounded>)->Name("stream/buffer_unbounded");

constexpr auto buffer_sliding = [](auto&) { return numbers() | streams::buffer(coir::sliding(16)) | sum(); };
BENCHMARK(measured<buffer_sliding>)->Name("stream/buffer_sliding");

// Four at once, of a function that is ready at once; and of one that gives the others a turn, n at once.
constexpr auto par_plain = [](auto&) {
    return numbers() | streams::transform_par(4, [](unsigned x) { return x + 1; }) | sum();
};
BENCHMARK(measured<par_plain>)->Name("stream/transform_par_plain");

constexpr auto ready = [](unsigned x) -> task<unsigned> { co_return x + 1; };
constexpr auto par_ready = [](auto&) { return numbers() | streams::transform_par(4, ready) | sum(); };
BENCHMARK(measured<par_ready>)->Name("stream/transform_par_ready");

constexpr auto yields = [](unsigned x) -> task<unsigned> {
    co_await coir::yield();
    co_return x + 1;
};
constexpr auto par_yields = [](auto& state) {
    return numbers() | streams::transform_par(given(state), yields) | sum();
};
BENCHMARK(measured<par_yields>)->Name("stream/transform_par_yields")->Arg(1)->Arg(4)->Arg(16)->Arg(64)->Arg(256);

constexpr auto par_unordered = [](auto&) { return numbers() | streams::transform_par_unordered(4, yields) | sum(); };
BENCHMARK(measured<par_unordered>)->Name("stream/transform_par_unordered");

// A stream of one element for each: what it costs to begin and to end one. And one of a hundred.
constexpr auto one = [](unsigned x) { return std::views::single(x); };
constexpr auto flat_map = [](auto&) { return numbers() | streams::flat_map(one) | sum(); };
BENCHMARK(measured<flat_map>)->Name("stream/flat_map");

constexpr auto flat_map_4 = [](auto&) { return numbers() | streams::flat_map(4, one) | sum(); };
BENCHMARK(measured<flat_map_4>)->Name("stream/flat_map_4");

constexpr auto flat_map_4_of_100 = [](auto&) {
    auto hundred = [](unsigned) { return std::views::iota(0U, 100U); };
    return numbers(length() / 100) | streams::flat_map(4, hundred) | sum();
};
BENCHMARK(measured<flat_map_4_of_100>)->Name("stream/flat_map_4_of_100");

// A stream that waits is interrupted and closed for each element; upstream gives it the time to begin.
task<> switching(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        unsigned const n = length();
        unsigned begun = 0;
        auto const turn = [](unsigned) { return coir::yield(); };
        auto const wait = [n, &begun](unsigned x) { // the last one gives an element first
            ++begun;
            return streams::concat(streams::iota(x, x + 1 == n ? n : x), streams::never_ends<unsigned>());
        };
        co_await (numbers(n) | streams::tap(turn) | streams::switch_map(wait) | streams::take(1) | streams::drain());
        if (begun != n) {
            state.SkipWithError("elements were passed over");
        }
    }
}
BENCHMARK(bench::on_run_loop<switching>)->Name("stream/switch_map/switch");

// The elements of a stream that nothing replaces.
constexpr auto switched = [](auto&) {
    return streams::once(length()) | streams::switch_map([](unsigned n) { return std::views::iota(0U, n); }) | sum();
};
BENCHMARK(measured<switched>)->Name("stream/switch_map/element");

// One stream for n readers; a row is the time of an element and reader.
task<> broadcasting(benchmark::State& state) {
    while (state.KeepRunningBatch(state.range(0) * bench::stream_length)) {
        auto body = [&state](coir::scope<>& s) -> task<> {
            auto all = numbers() | streams::broadcast(s, 16);
            auto read = [](auto source) -> task<> { co_await (std::move(source) | streams::drain()); };
            for (std::int64_t i = 0; i < state.range(0); ++i) {
                s.fork(read, all.subscribe());
            }
            co_return;
        };
        co_await coir::with_scope(body);
    }
}
BENCHMARK(bench::on_run_loop<broadcasting>)->Name("stream/broadcast")->Arg(1)->Arg(10)->Arg(100);

} // namespace
