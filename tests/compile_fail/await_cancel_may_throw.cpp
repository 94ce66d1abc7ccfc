// error: await_cancel\(\) of a foreign awaitable is noexcept and returns bool
#include <coir/task.hpp>

struct transfer {
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<>) {}
    void await_resume() {}
#ifdef COIR_TEST_FIXED
    bool await_cancel() noexcept { return true; }
#else
    bool await_cancel() { return true; }
#endif
};

coir::task<> caller() { co_await transfer(); }
