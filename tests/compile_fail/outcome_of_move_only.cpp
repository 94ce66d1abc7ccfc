// error: coir: the outcome cannot copy this shared value; await take\(\) instead
#include <coir/deferred.hpp>

#include <memory>

auto shown(coir::deferred<std::unique_ptr<int>>& d) { return coir::as_outcome(d MISTAKE(, .take())); }
