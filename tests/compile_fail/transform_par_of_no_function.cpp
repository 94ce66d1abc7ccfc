// error: coir: transform_par takes how many at once and a function of one element
#include <coir/stream.hpp>

coir::task<int> length(MISTAKE(int, std::string));

auto lengths(coir::stream<std::string> names) { return std::move(names) | coir::streams::transform_par(4, length); }
