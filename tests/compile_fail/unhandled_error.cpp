// error: coir: the task's error type lacks an error of what is awaited; add it, or use as_result
#include <coir/task.hpp>

struct not_found {};

coir::task<int, not_found> find();

coir::task<int, MISTAKE(coir::never, not_found)> caller() { co_return co_await find(); }
