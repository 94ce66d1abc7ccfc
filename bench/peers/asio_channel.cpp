// The channel of Asio without Boost, which is newer than the one of Debian's Boost.
#include "peer.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>

namespace {

using asio::awaitable;
using asio::use_awaitable;

bool const named = bench::name_peer("asio_channel");

// That for any thread, as ours; an element is the arguments of a completion handler.
using channel =
    asio::experimental::concurrent_channel<asio::io_context::executor_type, void(asio::error_code, unsigned)>;

awaitable<void> produce(channel& to) {
    for (unsigned i = 0; i < bench::stream_length; ++i) {
        co_await to.async_send(asio::error_code{}, i, use_awaitable);
    }
}

awaitable<void> consume(channel& from) {
    unsigned sum = 0;
    for (unsigned i = 0; i < bench::stream_length; ++i) {
        sum += co_await from.async_receive(use_awaitable);
    }
    benchmark::DoNotOptimize(sum);
}

void buffer(benchmark::State& state) {
    while (state.KeepRunningBatch(bench::stream_length)) {
        asio::io_context context{1};
        channel elements{context, static_cast<std::size_t>(state.range(0))};
        asio::co_spawn(context, produce(elements), asio::detached);
        asio::co_spawn(context, consume(elements), asio::detached);
        context.run();
    }
}
BENCHMARK(buffer)->Name("stream/buffer")->Arg(1)->Arg(16)->Arg(256);

} // namespace
