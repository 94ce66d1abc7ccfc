// error: coir: fork_started calls work\(ready, args...\), where ready is a coir::started<V>&; it must return a task
#include <coir/scope.hpp>

coir::task<> serve(coir::started<>& ready);
coir::task<> serve_at(coir::started<>& ready, int port);

coir::task<> f() {
    auto body = [](coir::scope<>& s) -> coir::task<> { co_await s.fork_started(MISTAKE(serve_at, serve)); };
    co_await coir::with_scope(body);
}
