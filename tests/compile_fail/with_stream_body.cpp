// error: coir: the body of with_stream takes the open stream, auto& in, for next\(in\)
#include <coir/stream.hpp>

auto read() {
    auto body = [](MISTAKE(int, auto&)) -> coir::task<> { co_return; };
    return coir::with_stream(coir::streams::iota(0, 3), body);
}
