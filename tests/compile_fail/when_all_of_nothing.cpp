// error: coir: when_all takes at least one awaitable
#include <coir/combine.hpp>

coir::task<> work();

auto all() { return coir::when_all(MISTAKE(, work())); }
