// Boost.Asio: awaitable, co_spawn, post. It has no event that any number may await.
#include <coroutine>
#include <utility>

#include <boost/asio.hpp>

#include "peer.hpp"

#include <exception>
#include <stdexcept>

namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;

bool const named = bench::name_peer("asio");

template <auto body>
void on_io_context(benchmark::State& state) {
    asio::io_context context{1};
    asio::co_spawn(context, body(state), asio::detached);
    context.run();
}

BENCH_NOINLINE awaitable<int> trivial() { co_return 1; }

awaitable<void> call(benchmark::State& state) {
    for (auto _ : state) {
        int const value = co_await trivial();
        benchmark::DoNotOptimize(value);
    }
}
BENCHMARK(on_io_context<call>)->Name("task/call");

BENCH_NOINLINE awaitable<int> descend(int depth, bool fails) {
    if (depth > 1) {
        co_return co_await descend(depth - 1, fails);
    }
    if (fails) {
        throw std::runtime_error{"refused"};
    }
    co_return 1;
}

template <bool fails>
awaitable<void> through_10_frames(benchmark::State& state) {
    for (auto _ : state) {
        try {
            benchmark::DoNotOptimize(co_await descend(10, fails));
        } catch (std::runtime_error const&) {
        }
    }
}
BENCHMARK(on_io_context<through_10_frames<false>>)->Name("task/success_through_10");
BENCHMARK(on_io_context<through_10_frames<true>>)->Name("task/failure_through_10");

awaitable<void> yielding(benchmark::State& state) {
    auto const here = co_await asio::this_coro::executor;
    for (auto _ : state) {
        co_await asio::post(here, use_awaitable);
    }
}
BENCHMARK(on_io_context<yielding>)->Name("task/yield/run_loop");

awaitable<void> fork_join(benchmark::State& state) {
    auto const here = co_await asio::this_coro::executor;
    for (auto _ : state) {
        benchmark::DoNotOptimize(co_await asio::co_spawn(here, trivial(), use_awaitable));
    }
}
BENCHMARK(on_io_context<fork_join>)->Name("fork/join/run_loop");

} // namespace
