// error: coir: the task's error type lacks an error of what is awaited; add it, or use as_result
#include <coir/interrupt.hpp>

struct too_late {};
coir::task<int> work();

coir::task<int, MISTAKE(coir::never, too_late)> caller() {
    co_return co_await coir::timeout_fail(work(), std::chrono::seconds{1}, too_late{});
}
