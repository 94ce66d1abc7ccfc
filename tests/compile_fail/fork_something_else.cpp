// error: no matching function for call to .*fork
#include <coir/fiber.hpp>

coir::task<> work();
int compute();

void start() {
#ifdef COIR_TEST_FIXED
    coir::fork(work);
#else
    coir::fork(compute);
#endif
}
