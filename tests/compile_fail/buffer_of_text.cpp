// error: coir: buffer takes a number of elements, or how many and what then: sliding\(1\)
#include <coir/stream.hpp>

auto ahead() { return coir::streams::iota(0, 3) | coir::streams::buffer(MISTAKE("8", 8)); }
