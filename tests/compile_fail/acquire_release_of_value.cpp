// error: coir: acquire_release acquires by a task, or a callable that returns one
#include <coir/stream.hpp>

coir::task<int> begin_work();
coir::task<> end_work(int);

auto all() { return coir::streams::acquire_release(MISTAKE(3, begin_work), end_work); }
