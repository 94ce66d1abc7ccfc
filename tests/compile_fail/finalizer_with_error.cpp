// error: coir: a finalizer is a callable that returns task<void, never>
#include <coir/interrupt.hpp>

coir::task<void, MISTAKE(int, coir::never)> clean_up();
coir::task<> work();

auto guarded() { return coir::ensuring(work(), clean_up); }
