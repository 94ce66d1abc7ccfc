// error: coir: the E of this emitter is not made from these arguments; with never it cannot fail
#include <coir/stream.hpp>

struct bus_error {};

bool give_up(coir::emitter<int, MISTAKE(coir::never, bus_error)> to) { return to.fail(bus_error{}); }
