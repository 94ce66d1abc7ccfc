// error: coir: the capacity of a stream of callbacks is bounded\(n\)
#include <coir/stream.hpp>

void listen(coir::emitter<int>);

auto events() { return coir::streams::from_callback<int>(MISTAKE(16, coir::bounded(16)), listen); }
