// error: only a coir::task awaits this.*interop
#include <coir/deferred.hpp>
#include <coir/task.hpp>

#include <coroutine>

struct foreign {
    struct promise_type {
        foreign get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

coir::task<int> answer() { co_return 42; }

MISTAKE(foreign, coir::task<>) caller() { co_await answer(); }
