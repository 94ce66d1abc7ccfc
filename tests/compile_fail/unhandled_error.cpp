// error: the task's error type lacks an error of what is awaited; add it, or use as_result
#include <coir/task.hpp>

struct not_found {};

coir::task<int, not_found> find();

#ifdef COIR_TEST_FIXED
coir::task<int, not_found> caller() {
#else
coir::task<int> caller() {
#endif
    co_return co_await find();
}
