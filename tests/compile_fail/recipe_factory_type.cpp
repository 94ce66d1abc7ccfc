// error: coir: complete_with takes a factory that returns an awaitable of T
#include <coir/deferred.hpp>

#include <string>

coir::task<MISTAKE(std::string, int)> work();

bool complete(coir::deferred_recipe<int>& r) { return r.complete_with(work); }
