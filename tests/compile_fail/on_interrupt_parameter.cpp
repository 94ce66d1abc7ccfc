// error: coir: a finalizer of on_interrupt takes a fiber_id and returns task<void, never>
#include <coir/interrupt.hpp>

coir::task<int> work();
coir::task<> tell(MISTAKE(int, coir::fiber_id));

auto told() { return coir::on_interrupt(work(), tell); }
