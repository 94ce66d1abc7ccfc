// error: coir: each await of a deferred_recipe copies the value; complete it with a factory
#include <coir/deferred.hpp>

#include <memory>

bool complete(coir::deferred_recipe < std::MISTAKE(unique_ptr, shared_ptr) < int >> &r) { return r.succeed(nullptr); }
