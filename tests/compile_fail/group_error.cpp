// error: the error type of this group of fibers lacks an error of the work
#include <coir/fiber_slot.hpp>

struct broken {};
coir::task<void, broken> work();

coir::task<> caller(coir::scope<>& s) {
    coir::fiber_slot<void, MISTAKE(coir::never, broken)> slot{s};
    slot.run(work);
    co_await slot.clear();
}
