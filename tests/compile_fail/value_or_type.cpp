// error: coir: value_or takes a value that converts to the type of what is awaited
#include <coir/task.hpp>

coir::task<int, long> find();

auto found() { return coir::value_or(find(), MISTAKE("none", 0)); }
