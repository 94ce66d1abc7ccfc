// error: coir: from takes a range; one element is streams::once
#include <coir/stream.hpp>

auto one() { return coir::streams::MISTAKE(from, once)(3); }
