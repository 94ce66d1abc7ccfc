// error: coir: retry takes the function that makes the task
#include <coir/schedule.hpp>
#include <coir/task.hpp>

coir::task<int, int> work();

auto again() { return coir::retry(work MISTAKE((), ), coir::recurs(3)); }
