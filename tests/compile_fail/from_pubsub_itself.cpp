// error: coir: from_pubsub takes what subscribe\(\) of a pubsub returns
#include <coir/stream.hpp>
#include <coir/sync/pubsub.hpp>

auto news(coir::MISTAKE(pubsub, subscription) < int > &events) { return coir::streams::from_pubsub(events); }
