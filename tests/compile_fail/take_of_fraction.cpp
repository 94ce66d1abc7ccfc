// error: coir: how many is said with an integer
#include <coir/stream.hpp>

auto first(double n) { return coir::streams::iota(0, 9) | coir::streams::take(MISTAKE(n, static_cast<int>(n))); }
