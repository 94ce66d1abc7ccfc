// error: coir: the release of acquire_release takes the resource and returns task<void, never>
#include <coir/stream.hpp>

coir::task<int> begin_work();
void end_work(int);
coir::task<> end_later(int);

auto all() { return coir::streams::acquire_release(begin_work, MISTAKE(end_work, end_later)); }
