// error: coir: a task is awaited once, as an rvalue: co_await std::move\(t\)
#include <coir/task.hpp>

coir::task<int> answer();

coir::task<int> caller() {
    auto t = answer();
    co_return co_await MISTAKE(, std::move)(t);
}
