// error: coir: each await of a deferred_recipe copies the value; complete it with a factory
#include <coir/deferred.hpp>

#include <memory>

#if defined(COIR_TEST_FIXED)
using value = std::shared_ptr<int>;
#else
using value = std::unique_ptr<int>;
#endif

bool complete(coir::deferred_recipe<value>& r) { return r.succeed(nullptr); }
