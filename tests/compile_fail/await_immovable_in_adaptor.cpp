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
    co_await coir::timeout(MISTAKE(immovable(), named), std::chrono::seconds(1));
}
