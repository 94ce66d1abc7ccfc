// error: coir: a task is run once, and passed on as an rvalue: std::move\(t\)
#include <coir/runtime/sync_wait.hpp>
#include <coir/task.hpp>

auto run(coir::task<int> t) { return coir::sync_wait(MISTAKE(, std::move)(t)); }
