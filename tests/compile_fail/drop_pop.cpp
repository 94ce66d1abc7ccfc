// error: nodiscard
#include <coir/sync/queue.hpp>
#include <coir/task.hpp>

coir::task<> next(coir::queue<int>& jobs) {
    MISTAKE(, co_await) jobs.drained();
    co_return;
}
