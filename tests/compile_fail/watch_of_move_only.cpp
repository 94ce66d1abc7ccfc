// error: coir: every reader of a watch gets a copy; use std::shared_ptr<T const>
#include <coir/sync/watch.hpp>

using shared = MISTAKE(std::unique_ptr<int>, std::shared_ptr<int const>);

void publish(coir::watch<shared>& w) { w.set(shared{}); }
