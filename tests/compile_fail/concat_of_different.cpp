// error: coir: streams whose elements become one stream have elements of one type, or types with a common one
#include <coir/stream.hpp>

#include <string>

auto all() { return coir::streams::concat(coir::streams::once(1), coir::streams::once(MISTAKE(std::string{}, 2L))); }
