// error: coir: the task's error type lacks an error of what is awaited; add it, or use as_result
#include <coir/stream.hpp>

struct broken_line {};

coir::stream<int, broken_line> numbers();

coir::task<void, broken_line> run() {
    auto body = [](auto& in) -> coir::task<void, MISTAKE(coir::never, broken_line)> {
        while (auto n = co_await next(in)) {
        }
    };
    co_await coir::with_stream(numbers(), body);
}
