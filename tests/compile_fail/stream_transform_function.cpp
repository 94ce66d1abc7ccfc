// error: coir: transform takes a function of one element
#include <coir/stream.hpp>

int length(char const*);
int doubled(int);

auto all(coir::stream<int> numbers) { return std::move(numbers) | coir::streams::transform(MISTAKE(length, doubled)); }
