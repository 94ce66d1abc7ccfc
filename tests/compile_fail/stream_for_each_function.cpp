// error: coir: for_each takes a function of one element
#include <coir/stream.hpp>

void two(int, int);
void one(int);

auto all(coir::stream<int> numbers) { return std::move(numbers) | coir::streams::for_each(MISTAKE(two, one)); }
