// Runs a measuring task as a benchmark, on a run_loop or a thread_pool.
#pragma once

#include "harness.hpp"

#include <coir/runtime/sync_wait.hpp>
#include <coir/runtime/thread_pool.hpp>

#include <utility>

namespace bench {

template <class Outcome>
void expect_success(benchmark::State& state, Outcome const& end) {
    if (!end.is_success()) {
        state.SkipWithError("the measuring task did not succeed");
    }
}

// Body: a function from benchmark::State& and what is in `args` to a task.
template <auto body, class... Args>
void on_run_loop(benchmark::State& state, Args&... args) {
    expect_success(state, coir::sync_wait(body(state, args...)));
}

template <auto body, unsigned threads, class... Args>
void on_pool(benchmark::State& state, Args&... args) {
    coir::thread_pool pool{threads};
    expect_success(state, pool.run(body(state, args...)));
}

} // namespace bench
