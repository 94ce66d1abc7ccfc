// error: coir: the pubsub of a stream outlives it, so it has a name
#include <coir/stream.hpp>
#include <coir/sync/pubsub.hpp>

coir::pubsub<int> events{coir::bounded(1)};
auto news() { return coir::streams::from_pubsub(MISTAKE(std::move, )(events)); }
