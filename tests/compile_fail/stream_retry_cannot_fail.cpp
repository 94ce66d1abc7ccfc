// error: coir: retry is for what can fail
#include <coir/schedule.hpp>
#include <coir/stream.hpp>

coir::stream<int> count();
coir::stream<int, int> listen();

auto all() { return coir::streams::retry(MISTAKE(count, listen), coir::recurs(3)); }
