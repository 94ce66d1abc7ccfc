// error: coir: or_else takes a function that gives the same type of value
#include <coir/task.hpp>

coir::task<int, long> find();
coir::task<MISTAKE(bool, int)> look_elsewhere(long);

auto found() { return coir::or_else(find(), look_elsewhere); }
