// One deferred: ready, awaited first, awaited by many, given up by some.
#include "coir_runner.hpp"

#include <coir/combine.hpp>
#include <coir/deferred.hpp>
#include <coir/fiber.hpp>
#include <coir/time.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

namespace {

using bench::order;
using bench::stopwatch;
using coir::deferred;
using coir::task;

task<> ready(benchmark::State& state) {
    for (auto _ : state) {
        deferred<int> d;
        benchmark::DoNotOptimize(&d);
        d.succeed(1);
        int const value = co_await d;
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(bench::on_run_loop<ready>)->Name("deferred/ready");

task<> ready_void(benchmark::State& state) {
    for (auto _ : state) {
        deferred<> d;
        benchmark::DoNotOptimize(&d);
        d.succeed();
        co_await d;
    }
}
BENCHMARK(bench::on_run_loop<ready_void>)->Name("deferred/ready_void");

// ---- Await first: each fiber waits in turns in two sets of deferreds. While those of one set
// are completed, the fibers that this wakes enlist in the other.
struct relay {
    static constexpr std::size_t lanes = 100;

    std::array<std::optional<deferred<>>, lanes> sets[2];
    std::optional<deferred<>> all_woken;
    std::size_t woken = 0;

    void renew(std::size_t set) {
        for (auto& d : sets[set]) {
            d.emplace();
        }
    }
};

task<> run_lane(relay& r, std::size_t lane) {
    for (std::size_t set = 0;; set = 1 - set) {
        co_await *r.sets[set][lane];
        if (++r.woken == relay::lanes) {
            r.all_woken->succeed();
        }
    }
}

task<> await_first(benchmark::State& state, relay& r) {
    r.renew(0);
    for (std::size_t lane = 0; lane < relay::lanes; ++lane) {
        coir::fork(run_lane(r, lane)); // interrupted when this ends
    }
    for (std::size_t set = 0; state.KeepRunningBatch(relay::lanes); set = 1 - set) {
        r.renew(1 - set);
        r.all_woken.emplace();
        r.woken = 0;
        for (auto& d : r.sets[set]) {
            d->succeed();
        }
        co_await *r.all_woken;
    }
}

void await_first_on_run_loop(benchmark::State& state) {
    relay r;
    bench::on_run_loop<await_first>(state, r);
}
BENCHMARK(await_first_on_run_loop)->Name("deferred/await_first/run_loop");

void await_first_on_pool(benchmark::State& state) {
    relay r;
    bench::on_pool<await_first, 1>(state, r);
}
BENCHMARK(await_first_on_pool)->Name("deferred/await_first/pool_1")->MeasureProcessCPUTime();

// ---- Many waiters of one deferred.
task<> wait_for(deferred<>& d, std::size_t& ended) {
    co_await d;
    ++ended;
}

enum class part { enlist, wake };

template <part measured>
task<> crowd(benchmark::State& state) {
    auto const n = state.range(0);
    bench::scales scale{state};
    while (state.KeepRunningBatch(n)) {
        deferred<> d;
        std::size_t ended = 0;
        scale.before();
        stopwatch const enlisting;
        for (std::int64_t i = 0; i < n; ++i) {
            coir::fork(wait_for(d, ended));
        }
        co_await coir::yield(); // until all wait
        double const enlisted = enlisting.seconds();
        scale.after(n);
        stopwatch const waking;
        d.succeed();
        co_await coir::yield(); // until all have ended
        state.SetIterationTime(measured == part::enlist ? enlisted : waking.seconds());
        if (ended != static_cast<std::size_t>(n)) {
            state.SkipWithError("not all have ended");
        }
    }
}
BENCHMARK(bench::on_run_loop<crowd<part::enlist>>)->Name("deferred/crowd/enlist")->Apply(bench::growth);
BENCHMARK(bench::on_run_loop<crowd<part::wake>>)->Name("deferred/crowd/wake")->Apply(bench::growth);

// ---- Waiters that are interrupted one by one. `removed`: until it has left the deferred;
// `ended`: until its fiber has ended too.
enum class until { removed, ended };

template <until measured, order in>
task<> interrupt_waiters(benchmark::State& state) {
    auto const n = static_cast<std::size_t>(state.range(0));
    auto const victims = bench::indices(n, in);
    std::vector<coir::fiber<>> fibers(n);
    while (state.KeepRunningBatch(state.range(0))) {
        deferred<> d;
        std::size_t ended = 0;
        for (auto& f : fibers) {
            f = coir::fork(wait_for(d, ended));
        }
        co_await coir::yield(); // until all wait
        stopwatch const interrupting;
        for (std::size_t const i : victims) {
            fibers[i].request_interrupt();
        }
        double const removed = interrupting.seconds();
        co_await coir::yield(); // until all have ended
        state.SetIterationTime(measured == until::removed ? removed : interrupting.seconds());
        if (ended != 0 || fibers.back().poll() == nullptr) {
            state.SkipWithError("not all were interrupted");
        }
    }
}
BENCHMARK(bench::on_run_loop<interrupt_waiters<until::removed, order::in_order>>)
    ->Name("deferred/interrupt/removed/in_order")
    ->Apply(bench::growth);
BENCHMARK(bench::on_run_loop<interrupt_waiters<until::removed, order::random>>)
    ->Name("deferred/interrupt/removed/random")
    ->Apply(bench::growth);
BENCHMARK(bench::on_run_loop<interrupt_waiters<until::ended, order::in_order>>)
    ->Name("deferred/interrupt/ended/in_order")
    ->Apply(bench::growth);
BENCHMARK(bench::on_run_loop<interrupt_waiters<until::ended, order::random>>)
    ->Name("deferred/interrupt/ended/random")
    ->Apply(bench::growth);

// The slowest single removal of a round: the first in random order walks over all who came since
// the last one, and pays for the others. A round counts as n operations that all took so long:
// counted as one, most of its time would be unseen, and the rows would run for hours.
template <order in>
task<> worst_removal(benchmark::State& state) {
    auto const n = static_cast<std::size_t>(state.range(0));
    auto const victims = bench::indices(n, in);
    std::vector<coir::fiber<>> fibers(n);
    while (state.KeepRunningBatch(state.range(0))) {
        deferred<> d;
        std::size_t ended = 0;
        for (auto& f : fibers) {
            f = coir::fork(wait_for(d, ended));
        }
        co_await coir::yield(); // until all wait
        double worst = 0;
        for (std::size_t const i : victims) {
            stopwatch const one;
            fibers[i].request_interrupt();
            worst = (std::max)(worst, one.seconds());
        }
        state.SetIterationTime(worst * static_cast<double>(n));
        co_await coir::yield(); // until all have ended
    }
}
BENCHMARK(bench::on_run_loop<worst_removal<order::in_order>>)
    ->Name("deferred/interrupt/worst/in_order")
    ->Apply(bench::growth);
BENCHMARK(bench::on_run_loop<worst_removal<order::random>>)
    ->Name("deferred/interrupt/worst/random")
    ->Apply(bench::growth);

// ---- Callbacks: registered and taken back, on a deferred that stays; and called.
void callback_taken_back(benchmark::State& state) {
    deferred<> d;
    for (auto _ : state) {
        auto const r = d.on_done([](coir::outcome<> const&) noexcept {});
        benchmark::DoNotOptimize(&r);
    }
}
BENCHMARK(callback_taken_back)->Name("deferred/callback/taken_back");

void callback_called(benchmark::State& state) {
    for (auto _ : state) {
        deferred<int> d;
        int seen = 0;
        auto const r = d.on_done([&](coir::outcome<int> const& end) noexcept { seen = end.value(); });
        d.succeed(1);
        benchmark::DoNotOptimize(seen);
    }
}
BENCHMARK(callback_called)->Name("deferred/callback/called");

// ---- A long-lived deferred that is awaited again and again, and always loses the race. The
// counters say whether it grows: in bytes, and in time (last tenth against the second).
task<> lose_race(benchmark::State& state) {
    deferred<> long_lived;
    deferred<> over;
    over.succeed();
    auto const tenth = state.max_iterations / 10;
    std::int64_t count = 0;
    double heap_before = 0;
    double early = 0;
    stopwatch tenth_time;
    for (auto _ : state) {
        if (count % tenth == 0) {
            early = count == 2 * tenth ? tenth_time.seconds() : early;
            heap_before = count == tenth ? bench::heap_bytes() : heap_before;
            tenth_time = stopwatch{};
        }
        ++count;
        co_await coir::race(long_lived, over);
    }
    state.counters["late_over_early"] = tenth_time.seconds() / early;
    state.counters["bytes_grown"] = bench::heap_bytes() - heap_before;
    if (long_lived.waiter_count() != 0) {
        state.SkipWithError("waiters were left behind");
    }
}
BENCHMARK(bench::on_run_loop<lose_race>)->Name("deferred/lose_race")->Iterations(1'000'000);

} // namespace
