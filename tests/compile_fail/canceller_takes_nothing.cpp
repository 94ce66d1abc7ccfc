// error: the registration returns void, or a canceller
#include <coir/interop/from_callback.hpp>

coir::task<int> caller() {
    auto const registration = [](auto done) {
        done.succeed(1);
        return MISTAKE(42, [] {});
    };
    co_return co_await coir::from_callback<int>(registration);
}
