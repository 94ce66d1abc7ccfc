// error: coir: this stream cannot fail
#include <coir/stream.hpp>

coir::stream<int> ints(int);

auto all() { return coir::streams::MISTAKE(empty<int>(), fail_with<int>(3)) | coir::streams::or_else(ints); }
