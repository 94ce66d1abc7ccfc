// error: coir: this cannot be awaited in a task
#include <coir/task.hpp>
#include <coir/time.hpp>

int compute();

coir::task<> caller() { co_await MISTAKE(compute, coir::yield)(); }
