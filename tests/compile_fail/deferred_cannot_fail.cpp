// error: coir: the E of this deferred is not made from these arguments; with never it cannot fail
#include <coir/deferred.hpp>

bool give_up(coir::deferred<int, MISTAKE(coir::never, int)>& d) { return d.fail(1); }
