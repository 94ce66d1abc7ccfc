// error: coir: retry and repeat take a schedule, such as spaced\(1s\) && recurs\(5\)
#include <coir/schedule.hpp>
#include <coir/task.hpp>

coir::task<int, int> ask();

auto answer() { return coir::retry(ask, MISTAKE(3, coir::recurs(3))); }
