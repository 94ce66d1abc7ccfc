// error: coir: the registration returns void, or a cleanup
#include <coir/stream.hpp>

MISTAKE(int, void) listen(coir::emitter<int>);

auto events() { return coir::streams::from_callback<int>(coir::bounded(16), listen); }
