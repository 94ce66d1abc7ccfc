// error: coir: complete_with takes a factory that returns an awaitable of T
#include <coir/deferred.hpp>

// It is called as const, by any number of awaiters.
struct factory {
    coir::task<int> operator()() MISTAKE(, const);
};

bool complete(coir::deferred_recipe<int>& r) { return r.complete_with(factory{}); }
