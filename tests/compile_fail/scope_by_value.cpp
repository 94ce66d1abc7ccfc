// error: coir: the body of a scope takes scope<E>& and returns a task
#include <coir/scope.hpp>

auto run() {
    return coir::with_scope([](coir::scope<> MISTAKE(, &)) -> coir::task<> { co_return; });
}
