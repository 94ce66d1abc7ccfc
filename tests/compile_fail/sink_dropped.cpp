// error: ignoring return value of
#include <coir/stream.hpp>

coir::task<> prints() {
    auto print = [](int) {};
    MISTAKE(, co_await)(coir::streams::iota(0, 3) | coir::streams::for_each(print));
    co_return;
}
