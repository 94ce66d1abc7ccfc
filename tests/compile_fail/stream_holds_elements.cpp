// error: coir: the elements of this pipeline do not become a T of stream<T, E>; use streams::transform
#include <coir/stream.hpp>

#include <string>

coir::stream<MISTAKE(std::string, int)> numbers() { return coir::streams::iota(0, 3); }
