// error: coir: a task is passed on, and not the function that makes it: f\(\)
#include <coir/adapt.hpp>
#include <coir/task.hpp>

coir::task<int> work();

auto shown() { return work MISTAKE(, ()) | coir::as_outcome(); }
