// error: coir: how many is said with an integer
#include <coir/stream.hpp>

auto rows() { return coir::streams::iota(0, 3) | coir::streams::chunk(MISTAKE("8", 8)); }
