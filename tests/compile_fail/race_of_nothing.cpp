// error: coir: race takes at least one awaitable
#include <coir/combine.hpp>

coir::task<> work();

auto first() { return coir::race(MISTAKE(, work())); }
