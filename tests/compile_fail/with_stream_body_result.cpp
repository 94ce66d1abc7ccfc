// error: coir: the body of with_stream is a coroutine, or returns another awaitable
#include <coir/stream.hpp>

coir::task<int> ask();
int count();

auto read() {
    auto body = [](auto&) { return MISTAKE(count, ask)(); };
    return coir::with_stream(coir::streams::iota(0, 3), body);
}
