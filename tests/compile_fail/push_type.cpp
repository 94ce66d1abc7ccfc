// error: coir: push takes what an element of the queue is made from
#include <coir/sync/queue.hpp>
#include <coir/task.hpp>

coir::task<bool> add(coir::queue<int>& q) { co_return co_await q.push(MISTAKE("1", 1)); }
