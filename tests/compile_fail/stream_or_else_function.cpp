// error: coir: or_else takes a function of the error that returns a stream or a range
#include <coir/stream.hpp>

int instead(int);
coir::stream<int> another(int);

auto all() { return coir::streams::fail_with<int>(3) | coir::streams::or_else(MISTAKE(instead, another)); }
