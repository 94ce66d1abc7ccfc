// error: coir: from_queue takes a queue
#include <coir/stream.hpp>
#include <coir/sync/queue.hpp>

auto jobs(MISTAKE(std::vector<int>, coir::queue<int>) & waiting) { return coir::streams::from_queue(waiting); }
