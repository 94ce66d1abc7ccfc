// error: coir: switch_map takes a function of one element that returns a stream
#include <coir/stream.hpp>

MISTAKE(coir::task, coir::stream)<int> search(std::string);

auto results(coir::stream<std::string> queries) { return std::move(queries) | coir::streams::switch_map(search); }
