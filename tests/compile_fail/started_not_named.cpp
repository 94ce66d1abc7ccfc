// error: coir: fork_started takes a callable whose first argument is a coir::started<V>&; where that is auto&, name V
#include <coir/scope.hpp>

coir::task<> f() {
    auto const child = [](auto& ready) -> coir::task<> {
        ready(1);
        co_return;
    };
    auto body = [&](coir::scope<>& s) -> coir::task<> {
        co_await MISTAKE(s.fork_started, s.fork_started<int>)(child);
    };
    co_await coir::with_scope(body);
}
