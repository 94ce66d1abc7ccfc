// error: coir: share takes a function that makes a stream
#include <coir/stream.hpp>

coir::stream<int> numbers();

auto all(coir::scope<>& s) { return coir::streams::share(s, numbers MISTAKE((), )); }
