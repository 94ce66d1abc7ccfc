// error: coir: retry and repeat take a schedule, such as spaced\(1s\) && recurs\(5\)
#include <coir/schedule.hpp>
#include <coir/stream.hpp>

coir::stream<int, int> listen();

auto all() { return coir::streams::retry(listen, MISTAKE(3, coir::recurs(3))); }
