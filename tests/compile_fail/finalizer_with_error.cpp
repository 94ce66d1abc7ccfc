// error: a finalizer is a callable that returns task<void, never>
#include <coir/interrupt.hpp>

#ifdef COIR_TEST_FIXED
coir::task<void> clean_up();
#else
coir::task<void, int> clean_up();
#endif
coir::task<void> work();

auto guarded() { return coir::ensuring(work(), clean_up); }
