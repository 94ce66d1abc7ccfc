// corral: one thread by design, no atomics. Event (no value), nurseries, anyOf.
#include "peer.hpp"

#include <corral/corral.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

// corral brings no event loop; everything here is resumed inline, so this one only ends.
struct bare_loop {
    bool running = false;
    void run() { running = true; }
    void stop() { running = false; }
};

template <>
struct corral::EventLoopTraits<bare_loop> {
    static EventLoopID eventLoopID(bare_loop& l) { return EventLoopID{&l}; }
    static void run(bare_loop& l) { l.run(); }
    static void stop(bare_loop& l) { l.stop(); }
    static bool isRunning(bare_loop const& l) noexcept { return l.running; }
};

namespace {

using corral::Event;
using corral::Task;

bool const named = bench::name_peer("corral");

template <auto body>
void on_bare_loop(benchmark::State& state) {
    bare_loop loop;
    corral::run(loop, body(state));
}

Task<void> ready(benchmark::State& state) {
    for (auto _ : state) {
        Event e;
        benchmark::DoNotOptimize(&e);
        e.trigger();
        co_await e;
    }
}
BENCHMARK(on_bare_loop<ready>)->Name("deferred/ready_void");

using relay = bench::relay<Event>;

Task<void> run_lane(relay& r, std::size_t lane) {
    for (std::size_t set = 0;; set = 1 - set) {
        co_await *r.sets[set][lane];
        if (++r.woken == relay::lanes) {
            r.all_woken->trigger();
        }
    }
}

Task<void> await_first(benchmark::State& state) {
    relay r;
    r.renew(0);
    CORRAL_WITH_NURSERY(nursery) {
        for (std::size_t lane = 0; lane < relay::lanes; ++lane) {
            nursery.start(run_lane, std::ref(r), std::size_t{lane});
        }
        co_await corral::yield;
        for (std::size_t set = 0; state.KeepRunningBatch(relay::lanes); set = 1 - set) {
            r.renew(1 - set);
            r.all_woken.emplace();
            r.woken = 0;
            for (auto& e : r.sets[set]) {
                e->trigger();
            }
            co_await *r.all_woken;
        }
        co_return corral::cancel;
    };
}
BENCHMARK(on_bare_loop<await_first>)->Name("deferred/await_first/run_loop");

Task<void> wait_for(Event& e, std::size_t& ended) {
    co_await e;
    ++ended;
}

enum class part { enlist, wake };

template <part measured>
Task<void> crowd(benchmark::State& state) {
    auto const n = state.range(0);
    bench::scales scale{state};
    while (state.KeepRunningBatch(n)) {
        Event e;
        std::size_t ended = 0;
        CORRAL_WITH_NURSERY(nursery) {
            scale.before();
            bench::stopwatch const enlisting;
            for (std::int64_t i = 0; i < n; ++i) {
                nursery.start(wait_for, std::ref(e), std::ref(ended));
            }
            co_await corral::yield; // until all wait
            double const enlisted = enlisting.seconds();
            scale.after(n);
            bench::stopwatch const waking;
            e.trigger();
            co_await corral::yield; // until all have ended
            state.SetIterationTime(measured == part::enlist ? enlisted : waking.seconds());
            co_return corral::join;
        };
        if (ended != static_cast<std::size_t>(n)) {
            state.SkipWithError("not all have ended");
        }
    }
}
BENCHMARK(on_bare_loop<crowd<part::enlist>>)->Name("deferred/crowd/enlist")->Apply(bench::growth);
BENCHMARK(on_bare_loop<crowd<part::wake>>)->Name("deferred/crowd/wake")->Apply(bench::growth);

// Tasks of a nursery cannot be cancelled one by one; this cancels bare awaiters instead, as
// corral's own combiners do it. So it is the part that ours calls `removed`, without a fiber.
using awaiters = std::vector<std::unique_ptr<Event::Awaiter>>;

awaiters bare_awaiters(Event& e, std::size_t n) {
    awaiters all(n);
    for (auto& a : all) {
        a = std::make_unique<Event::Awaiter>(e);
        a->await_suspend(std::noop_coroutine());
    }
    return all;
}

template <bench::order in>
void cancel_awaiters(benchmark::State& state) {
    auto const n = static_cast<std::size_t>(state.range(0));
    auto const victims = bench::indices(n, in);
    while (state.KeepRunningBatch(state.range(0))) {
        Event e;
        awaiters const waiting = bare_awaiters(e, n);
        bench::stopwatch const cancelling;
        for (std::size_t const i : victims) {
            benchmark::DoNotOptimize(waiting[i]->await_cancel(std::noop_coroutine()));
        }
        state.SetIterationTime(cancelling.seconds());
    }
}
BENCHMARK(cancel_awaiters<bench::order::in_order>)->Name("deferred/interrupt/removed/in_order")->Apply(bench::growth);
BENCHMARK(cancel_awaiters<bench::order::random>)->Name("deferred/interrupt/removed/random")->Apply(bench::growth);

// The slowest of a round, which counts as n of them; see deferred.cpp.
template <bench::order in>
void worst_removal(benchmark::State& state) {
    auto const n = static_cast<std::size_t>(state.range(0));
    auto const victims = bench::indices(n, in);
    while (state.KeepRunningBatch(state.range(0))) {
        Event e;
        awaiters const waiting = bare_awaiters(e, n);
        double worst = 0;
        for (std::size_t const i : victims) {
            bench::stopwatch const one;
            benchmark::DoNotOptimize(waiting[i]->await_cancel(std::noop_coroutine()));
            worst = (std::max)(worst, one.seconds());
        }
        state.SetIterationTime(worst * static_cast<double>(n));
    }
}
BENCHMARK(worst_removal<bench::order::in_order>)->Name("deferred/interrupt/worst/in_order")->Apply(bench::growth);
BENCHMARK(worst_removal<bench::order::random>)->Name("deferred/interrupt/worst/random")->Apply(bench::growth);

Task<void> lose_race(benchmark::State& state) {
    Event long_lived;
    Event over;
    over.trigger();
    for (auto _ : state) {
        co_await corral::anyOf(long_lived, over);
    }
}
BENCHMARK(on_bare_loop<lose_race>)->Name("deferred/lose_race")->Iterations(1'000'000);

BENCH_NOINLINE Task<int> trivial() { co_return 1; }

Task<void> call(benchmark::State& state) {
    for (auto _ : state) {
        int const value = co_await trivial();
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(on_bare_loop<call>)->Name("task/call");

BENCH_NOINLINE Task<int> descend(int depth, bool fails) {
    if (depth > 1) {
        co_return co_await descend(depth - 1, fails);
    }
    if (fails) {
        throw std::runtime_error{"refused"};
    }
    co_return 1;
}

template <bool fails>
Task<void> through_10_frames(benchmark::State& state) {
    for (auto _ : state) {
        try {
            benchmark::DoNotOptimize(co_await descend(10, fails));
        } catch (std::runtime_error const&) {
        }
    }
}
BENCHMARK(on_bare_loop<through_10_frames<false>>)->Name("task/success_through_10");
BENCHMARK(on_bare_loop<through_10_frames<true>>)->Name("task/failure_through_10");

Task<void> yielding(benchmark::State& state) {
    for (auto _ : state) {
        co_await corral::yield;
    }
}
BENCHMARK(on_bare_loop<yielding>)->Name("task/yield/run_loop");

Task<void> child(int& value) { value = co_await trivial(); }

Task<void> fork_join(benchmark::State& state) {
    for (auto _ : state) {
        int value = 0;
        CORRAL_WITH_NURSERY(nursery) {
            nursery.start(child, std::ref(value));
            co_return corral::join;
        };
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(on_bare_loop<fork_join>)->Name("fork/join/run_loop");

Task<void> produce(corral::Channel<unsigned>& to) {
    for (unsigned i = 0; i < bench::stream_length; ++i) {
        co_await to.send(unsigned{i});
    }
    to.close();
}

Task<void> consume(corral::Channel<unsigned>& from) {
    unsigned sum = 0;
    while (auto const x = co_await from.receive()) {
        sum += *x;
    }
    benchmark::DoNotOptimize(sum);
}

Task<void> buffer(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        corral::Channel<unsigned> elements{static_cast<std::size_t>(state.range(0))};
        co_await corral::allOf(consume(elements), produce(elements));
    }
}
BENCHMARK(on_bare_loop<buffer>)->Name("stream/buffer")->Arg(1)->Arg(16)->Arg(256);

} // namespace
