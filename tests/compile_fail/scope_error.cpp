// error: the scope's error type lacks an error of this child; name it in with_scope<E>
#include <coir/scope.hpp>

struct broken {};
coir::task<void, broken> child();

coir::task<void, broken> caller() {
#ifdef COIR_TEST_FIXED
    auto body = [](coir::scope<broken>& s) -> coir::task<> {
#else
    auto body = [](coir::scope<>& s) -> coir::task<> {
#endif
        s.fork(child);
        co_return;
    };
#ifdef COIR_TEST_FIXED
    co_await coir::with_scope<broken>(body);
#else
    co_await coir::with_scope(body);
#endif
}
