// error: coir: the function of fold returns the new state, of the type of the start value
#include <coir/stream.hpp>

#include <string>

std::string joined(int, int);
int sum(int, int);

auto all() { return coir::streams::iota(0, 3) | coir::streams::fold(0, MISTAKE(joined, sum)); }
