// error: coir: wait_until takes a function of the value that returns bool
#include <coir/sync/watch.hpp>
#include <coir/task.hpp>

coir::task<bool> is_good(int);
bool is_even(int);

auto until(coir::watch<int>& w) { return w.wait_until(MISTAKE(is_good, is_even)); }
