// error: coir: the E of stream<T, E> does not accept this pipeline's errors; add them, or use streams::transform_error
#include <coir/stream.hpp>

coir::stream<int, MISTAKE(coir::never, int)> fails() { return coir::streams::fail_with<int>(3); }
