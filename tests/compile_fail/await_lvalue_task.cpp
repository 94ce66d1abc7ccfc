// error: a task is awaited once, as an rvalue: co_await std::move\(t\)
#include <coir/task.hpp>

coir::task<int> answer() { co_return 42; }

coir::task<int> caller() {
    auto t = answer();
#ifdef COIR_TEST_FIXED
    co_return co_await std::move(t);
#else
    co_return co_await t;
#endif
}
