// error: this cannot be awaited in a task
#include <coir/task.hpp>
#include <coir/time.hpp>

coir::task<> caller() {
#ifdef COIR_TEST_FIXED
    co_await coir::yield();
#else
    co_await 42;
#endif
}
