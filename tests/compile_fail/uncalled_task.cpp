// error: coir: a task is passed on, and not the function that makes it: f\(\)
#include <coir/interrupt.hpp>

coir::task<int> work();

auto in_time() { return coir::timeout(work MISTAKE(, ()), std::chrono::seconds{1}); }
