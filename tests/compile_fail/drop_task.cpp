// error: a task does nothing until it is awaited
#include <coir/task.hpp>

coir::task<> work();

coir::task<> caller() {
    MISTAKE(, co_await) work();
    co_return;
}
