// error: coir: from_task takes a task that gives a value
#include <coir/stream.hpp>

coir::task<> run();
coir::task<int> compute();

auto all() { return coir::streams::from_task(MISTAKE(run, compute)()); }
