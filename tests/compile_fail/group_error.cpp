// error: the error type of this group of fibers lacks an error of the work
#include <coir/fiber_slot.hpp>

struct broken {};
coir::task<void, broken> work();

coir::task<> caller(coir::scope<>& s) {
#ifdef COIR_TEST_FIXED
    coir::fiber_slot<void, broken> slot{s};
#else
    coir::fiber_slot<> slot{s};
#endif
    slot.run(work);
    co_await slot.clear();
}
