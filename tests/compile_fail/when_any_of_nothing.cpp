// error: coir: when_any takes at least one awaitable
#include <coir/combine.hpp>

coir::task<> work();

auto first() { return coir::when_any(MISTAKE(, work())); }
