// error: coir: or_else takes a function that gives a stream with the same type of elements
#include <coir/stream.hpp>

coir::stream<long> longs(int);
coir::stream<int> ints(int);

auto all() { return coir::streams::fail_with<int>(3) | coir::streams::or_else(MISTAKE(longs, ints)); }
