// error: coir: this takes a function that makes a stream
#include <coir/schedule.hpp>
#include <coir/stream.hpp>

coir::task<int, int> ask();
coir::stream<int, int> listen();

auto all() { return coir::streams::retry(MISTAKE(ask, listen), coir::recurs(3)); }
