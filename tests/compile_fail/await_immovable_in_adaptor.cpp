// error: no matching function for call to .*timeout
#include <coir/interrupt.hpp>

#include <chrono>

struct immovable {
    immovable() = default;
    immovable(immovable&&) = delete;
    bool await_ready() { return true; }
    void await_suspend(std::coroutine_handle<>) {}
    void await_resume() {}
};

coir::task<> caller() {
    immovable named;
#ifdef COIR_TEST_FIXED
    co_await coir::timeout(named, std::chrono::seconds(1));
#else
    co_await coir::timeout(immovable(), std::chrono::seconds(1));
#endif
}
