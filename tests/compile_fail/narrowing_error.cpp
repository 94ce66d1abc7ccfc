// error: the task's error type lacks an error of what is awaited; add it, or use as_result
#include <coir/task.hpp>

coir::task<int, long> find();

#ifdef COIR_TEST_FIXED
coir::task<int, long> caller() {
#else
coir::task<int, int> caller() {
#endif
    co_return co_await find();
}
