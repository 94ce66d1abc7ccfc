// error: coir: tasks are moved out of their range, which must not be const
#include <coir/combine.hpp>
#include <coir/task.hpp>

auto all(std::vector<coir::task<int>> MISTAKE(const, ) & tasks) { return coir::when_all(tasks); }
