// error: the registration returns void, or a canceller
#include <coir/interop/from_callback.hpp>

coir::task<int> caller() {
    auto const registration = [](auto done) {
        done.succeed(1);
#ifdef COIR_TEST_FIXED
        return [] {};
#else
        return 42;
#endif
    };
    co_return co_await coir::from_callback<int>(registration);
}
