// libunifex: its second async_manual_reset_event. No value; a wait can be cancelled and resumes
// through its scheduler, as ours does. Tasks in an async_scope on the loop of sync_wait.
#include "peer.hpp"

#include <unifex/any_scheduler.hpp>
#include <unifex/inline_scheduler.hpp>
#include <unifex/inplace_stop_token.hpp>
#include <unifex/just.hpp>
#include <unifex/let_done.hpp>
#include <unifex/on.hpp>
#include <unifex/scheduler_concepts.hpp>
#include <unifex/spawn_detached.hpp>
#include <unifex/static_thread_pool.hpp>
#include <unifex/stop_when.hpp>
#include <unifex/sync_wait.hpp>
#include <unifex/task.hpp>
#include <unifex/v2/async_manual_reset_event.hpp>
#include <unifex/v2/async_scope.hpp>
#include <unifex/with_query_value.hpp>

#include <algorithm>
#include <exception>
#include <memory>

namespace {

using unifex::task;
using unifex::v2::async_scope;
using event = unifex::v2::async_manual_reset_event;

bool const named = bench::name_peer("libunifex");

template <auto body>
void on_run_loop(benchmark::State& state) {
    unifex::sync_wait(body(state));
}

template <auto body, unsigned threads>
void on_pool(benchmark::State& state) {
    unifex::static_thread_pool pool{threads};
    unifex::sync_wait(unifex::on(pool.get_scheduler(), body(state)));
}

// Runs until its first wait inside this call. A scope gives its tasks no scheduler.
template <class Sender>
void spawn(async_scope& scope, unifex::any_scheduler const& here, Sender child) {
    unifex::spawn_detached(unifex::with_query_value(std::move(child), unifex::get_scheduler, here), scope);
}

task<void> ready(benchmark::State& state) {
    for (auto _ : state) {
        event e;
        benchmark::DoNotOptimize(&e);
        e.set();
        co_await e.async_wait();
    }
}
BENCHMARK(on_run_loop<ready>)->Name("deferred/ready_void");

using relay = bench::relay<event>;

task<void> run_lane(relay& r, std::size_t lane) {
    for (std::size_t set = 0;; set = 1 - set) {
        co_await r.sets[set][lane]->async_wait();
        if (r.stopping) {
            co_return;
        }
        if (++r.woken == relay::lanes) {
            r.all_woken->set();
        }
    }
}

task<void> await_first(benchmark::State& state) {
    auto const here = co_await unifex::current_scheduler();
    relay r;
    async_scope scope;
    r.renew(0);
    for (std::size_t lane = 0; lane < relay::lanes; ++lane) {
        spawn(scope, here, run_lane(r, lane));
    }
    std::size_t set = 0;
    for (; state.KeepRunningBatch(relay::lanes); set = 1 - set) {
        r.renew(1 - set);
        r.all_woken.emplace();
        r.woken = 0;
        for (auto& e : r.sets[set]) {
            e->set();
        }
        co_await r.all_woken->async_wait();
    }
    r.stopping = true;
    for (auto& e : r.sets[set]) {
        e->set();
    }
    co_await scope.join();
}
BENCHMARK(on_run_loop<await_first>)->Name("deferred/await_first/run_loop");
BENCHMARK(on_pool<await_first, 1>)->Name("deferred/await_first/pool_1")->MeasureProcessCPUTime();

task<void> wait_for(event& e, std::size_t& ended) {
    co_await e.async_wait();
    ++ended;
}

enum class part { enlist, wake };

template <part measured>
task<void> crowd(benchmark::State& state) {
    auto const here = co_await unifex::current_scheduler();
    auto const n = state.range(0);
    bench::scales scale{state};
    while (state.KeepRunningBatch(n)) {
        event e;
        std::size_t ended = 0;
        async_scope scope;
        scale.before();
        bench::stopwatch const enlisting;
        for (std::int64_t i = 0; i < n; ++i) {
            spawn(scope, here, wait_for(e, ended));
        }
        double const enlisted = enlisting.seconds();
        scale.after(n);
        bench::stopwatch const waking;
        e.set();
        co_await unifex::schedule(); // until all have ended
        state.SetIterationTime(measured == part::enlist ? enlisted : waking.seconds());
        if (ended != static_cast<std::size_t>(n)) {
            state.SkipWithError("not all have ended");
        }
        co_await scope.join();
    }
}
BENCHMARK(on_run_loop<crowd<part::enlist>>)->Name("deferred/crowd/enlist")->Apply(bench::growth);
BENCHMARK(on_run_loop<crowd<part::wake>>)->Name("deferred/crowd/wake")->Apply(bench::growth);

// A task passes a stop request on by way of its scheduler; only a bare operation has left the
// event when request_stop returns. So `removed` cancels those, without a task around them.
struct bare_receiver {
    unifex::inplace_stop_token token;
    std::size_t& removed;

    void set_value() noexcept {}
    void set_error(std::exception_ptr) noexcept {}
    void set_done() noexcept { ++removed; }

    friend unifex::inplace_stop_token tag_invoke(unifex::tag_t<unifex::get_stop_token>,
                                                 bare_receiver const& r) noexcept {
        return r.token;
    }
    friend unifex::inline_scheduler tag_invoke(unifex::tag_t<unifex::get_scheduler>, bare_receiver const&) noexcept {
        return {};
    }
};

struct bare_waiter {
    bare_waiter(event& e, std::size_t& removed)
        : operation(unifex::connect(e.async_wait(), bare_receiver{source.get_token(), removed})) {
        unifex::start(operation);
    }

    unifex::inplace_stop_source source;
    unifex::connect_result_t<decltype(std::declval<event&>().async_wait()), bare_receiver> operation;
};

std::vector<std::unique_ptr<bare_waiter>> bare_waiters(event& e, std::size_t n, std::size_t& removed) {
    std::vector<std::unique_ptr<bare_waiter>> waiters(n);
    for (auto& w : waiters) {
        w = std::make_unique<bare_waiter>(e, removed);
    }
    return waiters;
}

template <bench::order in>
void cancel_waiters(benchmark::State& state) {
    auto const n = static_cast<std::size_t>(state.range(0));
    auto const victims = bench::indices(n, in);
    while (state.KeepRunningBatch(state.range(0))) {
        event e;
        std::size_t removed = 0;
        auto const waiters = bare_waiters(e, n, removed);
        bench::stopwatch const cancelling;
        for (std::size_t const i : victims) {
            waiters[i]->source.request_stop();
        }
        state.SetIterationTime(cancelling.seconds());
        if (removed != n) {
            state.SkipWithError("not all were removed");
        }
    }
}
BENCHMARK(cancel_waiters<bench::order::in_order>)->Name("deferred/interrupt/removed/in_order")->Apply(bench::growth);
BENCHMARK(cancel_waiters<bench::order::random>)->Name("deferred/interrupt/removed/random")->Apply(bench::growth);

// The slowest of a round, which counts as n of them; see deferred.cpp.
template <bench::order in>
void worst_removal(benchmark::State& state) {
    auto const n = static_cast<std::size_t>(state.range(0));
    auto const victims = bench::indices(n, in);
    while (state.KeepRunningBatch(state.range(0))) {
        event e;
        std::size_t removed = 0;
        auto const waiters = bare_waiters(e, n, removed);
        double worst = 0;
        for (std::size_t const i : victims) {
            bench::stopwatch const one;
            waiters[i]->source.request_stop();
            worst = (std::max)(worst, one.seconds());
        }
        state.SetIterationTime(worst * static_cast<double>(n));
    }
}
BENCHMARK(worst_removal<bench::order::in_order>)->Name("deferred/interrupt/worst/in_order")->Apply(bench::growth);
BENCHMARK(worst_removal<bench::order::random>)->Name("deferred/interrupt/worst/random")->Apply(bench::growth);

template <bench::order in>
task<void> stop_tasks(benchmark::State& state) {
    auto const here = co_await unifex::current_scheduler();
    auto const n = static_cast<std::size_t>(state.range(0));
    auto const victims = bench::indices(n, in);
    while (state.KeepRunningBatch(state.range(0))) {
        event e;
        std::size_t woken = 0;
        async_scope scope;
        std::vector<unifex::inplace_stop_source> sources(n);
        for (auto& s : sources) {
            spawn(scope, here, unifex::with_query_value(wait_for(e, woken), unifex::get_stop_token, s.get_token()));
        }
        bench::stopwatch const stopping;
        for (std::size_t const i : victims) {
            sources[i].request_stop();
        }
        co_await unifex::schedule(); // until all have ended
        state.SetIterationTime(stopping.seconds());
        if (woken != 0 || scope.use_count() != 0) {
            state.SkipWithError("not all were stopped");
        }
        co_await scope.join();
    }
}
BENCHMARK(on_run_loop<stop_tasks<bench::order::in_order>>)
    ->Name("deferred/interrupt/ended/in_order")
    ->Apply(bench::growth);
BENCHMARK(on_run_loop<stop_tasks<bench::order::random>>)->Name("deferred/interrupt/ended/random")->Apply(bench::growth);

task<void> lose_race(benchmark::State& state) {
    event long_lived;
    event over;
    over.set();
    for (auto _ : state) {
        co_await unifex::let_done(unifex::stop_when(long_lived.async_wait(), over.async_wait()),
                                  [] { return unifex::just(); });
    }
}
BENCHMARK(on_run_loop<lose_race>)->Name("deferred/lose_race")->Iterations(1'000'000);

} // namespace
