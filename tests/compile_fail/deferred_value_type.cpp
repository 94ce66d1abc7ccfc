// error: coir: the T of this deferred is not made from these arguments
#include <coir/deferred.hpp>

bool answer(coir::deferred<int>& d) { return d.succeed(MISTAKE("42", 42)); }
