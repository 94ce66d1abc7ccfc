// error: await_cancel\(\) of a foreign awaitable is noexcept and returns bool
#include <coir/task.hpp>

struct transfer {
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<>) {}
    void await_resume() {}
    bool await_cancel() MISTAKE(, noexcept) { return true; }
};

coir::task<> caller() { co_await transfer(); }
