// error: coir: the capacity of a queue is bounded\(n\), unbounded\(\), dropping\(n\) or sliding\(n\)
#include <coir/sync/queue.hpp>

coir::queue<int> jobs{MISTAKE(, coir::bounded)(5)};
