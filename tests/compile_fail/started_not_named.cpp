// error: coir: fork_started takes a callable whose first argument is a coir::started<V>&; where that is auto&, name V
#include <coir/scope.hpp>

coir::task<> f() {
    auto const child = [](auto& ready) -> coir::task<> {
        ready(1);
        co_return;
    };
    auto body = [&](coir::scope<>& s) -> coir::task<> {
#ifdef COIR_TEST_FIXED
        int const port = co_await s.fork_started<int>(child);
        static_cast<void>(port);
#else
        co_await s.fork_started(child);
#endif
    };
    co_await coir::with_scope(body);
}
