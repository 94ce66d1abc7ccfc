// error: coir: the task's error type does not accept this failure
#include <coir/task.hpp>

coir::task<int, MISTAKE(coir::never, long)> answer() { co_return coir::fail(42L); }
