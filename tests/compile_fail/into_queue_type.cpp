// error: coir: into takes a queue of what is made from the elements
#include <coir/stream.hpp>
#include <coir/sync/queue.hpp>

#include <string>

using element = MISTAKE(std::string, long);

auto fill(coir::queue<element>& queue) { return coir::streams::iota(0) | coir::streams::into(queue); }
