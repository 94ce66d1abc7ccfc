// error: coir: the task's error type lacks an error of what is awaited; add it, or use as_result
#include <coir/stream.hpp>

struct broken_line {};

coir::stream<int, broken_line> numbers();

coir::task<void, MISTAKE(coir::never, broken_line)> run() { co_await (numbers() | coir::streams::drain()); }
