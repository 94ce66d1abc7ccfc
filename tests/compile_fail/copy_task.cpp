// error: deleted.*task
#include <coir/task.hpp>

coir::task<> twice(coir::task<> t) {
    auto other = MISTAKE(, std::move)(t);
    co_await std::move(other);
}
