// error: nodiscard
#include <coir/interrupt.hpp>

coir::task<> work();

coir::task<> caller() {
    MISTAKE(, co_await) coir::timeout(work(), std::chrono::seconds{1});
    co_return;
}
