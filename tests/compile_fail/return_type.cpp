// error: coir: co_return takes a value of the task's type, or fail\(e\)
#include <coir/task.hpp>

coir::task<int> answer() { co_return MISTAKE("42", 42); }
