// error: coir: what is awaited cannot fail
#include <coir/task.hpp>

coir::task<int, MISTAKE(coir::never, long)> find();
coir::task<int> look_elsewhere(long);

auto found() { return coir::or_else(find(), look_elsewhere); }
