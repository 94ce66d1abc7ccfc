// error: coir: retry and repeat take a schedule, such as spaced\(1s\) && recurs\(5\)
#include <coir/schedule.hpp>
#include <coir/stream.hpp>

coir::stream<int> count();

auto all() { return coir::streams::repeat(count, MISTAKE(3, coir::recurs(3))); }
