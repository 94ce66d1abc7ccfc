// error: coir: the registration of a stream of callbacks takes a coir::emitter
#include <coir/stream.hpp>

void listen(coir::emitter<MISTAKE(long, int)>);

auto events() { return coir::streams::from_callback<int>(coir::bounded(16), listen); }
