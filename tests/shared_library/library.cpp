#include "library.hpp"

#include <coir/time.hpp>

namespace shared_library {

coir::fiber_id current_fiber() { return coir::this_fiber::id(); }

coir::task<int> forty_two() {
    auto child = coir::fork([]() -> coir::task<int> {
        co_await coir::yield();
        co_return 42;
    });
    co_return co_await std::move(child);
}

} // namespace shared_library
