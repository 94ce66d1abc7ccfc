// RxCpp: observables. An element is a call from the source to the subscriber, through all stages; no
// stage can make the source wait. What goes on later goes through a scheduler: here the queue of the
// current thread, or a run_loop.
#include "peer.hpp"

#include <rxcpp/rx.hpp>

#include <chrono>
#include <vector>

namespace {

namespace rx = rxcpp;

bool const named = bench::name_peer("RxCpp");

unsigned length() {
    unsigned n = bench::stream_length;
    asm volatile("" : "+r"(n));
    return n;
}

// On the queue of the current thread, where sources take turns. Both ends are among the numbers.
auto numbers(unsigned n = length()) { return rx::sources::range(0U, n - 1, rx::identity_current_thread()); }

// Of all elements, when the source has ended.
template <class Source>
unsigned sum(Source const& source) {
    unsigned all = 0;
    source.subscribe([&all](unsigned x) { all += x; });
    return all;
}

template <auto make, unsigned sides = 1>
void measured(benchmark::State& state) {
    while (state.KeepRunningBatch(sides * bench::stream_length)) {
        unsigned const result = sum(make());
        benchmark::DoNotOptimize(result);
    }
}

template <int depth, int first = 0, class S>
auto staged(S const& source) {
    using namespace bench::stages;
    if constexpr (depth == first) {
        return source;
    } else {
        return staged<depth, first + 1>(visit_stage<first % 10>([&](auto f) { return source.map(f); },
                                                                [&](auto keep) { return source.filter(keep); }));
    }
}

constexpr auto ten_stages = [] { return staged<10>(numbers()); };
BENCHMARK(measured<ten_stages>)->Name("stream/ten_stages");

constexpr auto debounce = [] {
    return numbers().debounce(std::chrono::milliseconds{1}, rx::identity_current_thread());
};
BENCHMARK(measured<debounce>)->Name("stream/debounce");

constexpr auto merge = [] { return numbers().merge(numbers()); };
BENCHMARK(measured<merge, 2>)->Name("stream/merge");

constexpr auto merge_8 = [] {
    return numbers().merge(numbers(), numbers(), numbers(), numbers(), numbers(), numbers(), numbers());
};
BENCHMARK(measured<merge_8, 8>)->Name("stream/merge_of_8");

constexpr auto both = [](unsigned a, unsigned b) { return a + b; };

constexpr auto zip = [] { return numbers().zip(both, numbers()); };
BENCHMARK(measured<zip>)->Name("stream/zip");

constexpr auto zip_latest = [] { return numbers().combine_latest(both, numbers()); };
BENCHMARK(measured<zip_latest, 2>)->Name("stream/zip_latest");

// Its queue between two paces has no bound: nothing waits.
void buffer_unbounded(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        rx::schedulers::run_loop loop;
        unsigned all = 0;
        bool over = false;
        numbers()
            .observe_on(rx::observe_on_run_loop(loop))
            .subscribe([&](unsigned x) { all += x; }, [&] { over = true; });
        while (!over) {
            loop.dispatch();
        }
        benchmark::DoNotOptimize(all);
    }
}
BENCHMARK(buffer_unbounded)->Name("stream/buffer_unbounded");

constexpr auto one = [](unsigned x) { return rx::sources::just(x, rx::identity_current_thread()); };

constexpr auto concat_map = [] { return numbers().concat_map(one); };
BENCHMARK(measured<concat_map>)->Name("stream/flat_map");

// As many at once as there are.
constexpr auto flat_map = [] { return numbers().flat_map(one); };
BENCHMARK(measured<flat_map>)->Name("stream/flat_map_4");

constexpr auto flat_map_of_100 = [] { return numbers(length() / 100).flat_map([](unsigned) { return numbers(100); }); };
BENCHMARK(measured<flat_map_of_100>)->Name("stream/flat_map_4_of_100");

void switching(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        unsigned begun = 0;
        auto const wait = [&begun](unsigned) {
            ++begun;
            return rx::sources::never<unsigned>();
        };
        numbers().map(wait).switch_on_next().subscribe([](unsigned) {});
        if (begun != bench::stream_length) {
            state.SkipWithError("elements were passed over");
        }
    }
}
BENCHMARK(switching)->Name("stream/switch_map/switch");

constexpr auto switched = [] {
    return rx::sources::just(length()).map([](unsigned n) { return numbers(n); }).switch_on_next();
};
BENCHMARK(measured<switched>)->Name("stream/switch_map/element");

void broadcasting(benchmark::State& state) {
    while (state.KeepRunningBatch(state.range(0) * bench::stream_length)) {
        auto all = numbers().publish();
        unsigned total = 0;
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            all.subscribe([&total](unsigned x) { total += x; });
        }
        all.connect();
        benchmark::DoNotOptimize(total);
    }
}
BENCHMARK(broadcasting)->Name("stream/broadcast")->Arg(1)->Arg(10)->Arg(100);

} // namespace
