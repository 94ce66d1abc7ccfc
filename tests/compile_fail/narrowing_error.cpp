// error: coir: the task's error type lacks an error of what is awaited; add it, or use as_result
#include <coir/task.hpp>

coir::task<int, long> find();

coir::task<int, MISTAKE(int, long)> caller() { co_return co_await find(); }
