// error: coir: for_each takes a function that returns an awaitable
#include <coir/combine.hpp>

#include <vector>

int compute(int);
coir::task<int> work(int);

auto all(std::vector<int>& v) { return coir::for_each(v, MISTAKE(compute, work), coir::max_concurrency{2}); }
