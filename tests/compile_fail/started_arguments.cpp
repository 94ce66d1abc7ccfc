// error: coir: fork_started calls work\(ready, args...\), where ready is a coir::started<V>&; it must return a task
#include <coir/scope.hpp>

coir::task<> serve(coir::started<>& ready, int port);

coir::task<> f() {
    auto body = [](coir::scope<>& s) -> coir::task<> {
#ifdef COIR_TEST_FIXED
        co_await s.fork_started(serve, 80);
#else
        co_await s.fork_started(serve);
#endif
    };
    co_await coir::with_scope(body);
}
