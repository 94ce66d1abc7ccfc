// error: coir: the signal of interrupt_when is a deferred&
#include <coir/interrupt.hpp>

coir::task<> work();

auto until(coir::shared_deferred<> stop) { return coir::interrupt_when(work(), MISTAKE(, *) stop); }
