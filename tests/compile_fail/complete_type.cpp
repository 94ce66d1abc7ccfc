// error: coir: the work that completes a deferred gives a T, with errors that fit E
#include <coir/deferred.hpp>

#include <string>

coir::task<MISTAKE(std::string, int)> work();

auto complete(coir::deferred<int>& d) { return d.complete(work); }
