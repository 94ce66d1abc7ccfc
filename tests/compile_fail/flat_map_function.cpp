// error: coir: flat_map takes a function of one element that returns a stream or a range
#include <coir/stream.hpp>

int twice(int);
std::vector<int> divisors(int);

auto all() { return coir::streams::iota(1, 9) | coir::streams::flat_map(MISTAKE(twice, divisors)); }
