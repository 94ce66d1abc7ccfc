// error: coir: the signal of streams::interrupt_when is a deferred&
#include <coir/stream.hpp>

auto until(coir::shared_deferred<> stop) {
    return coir::streams::iota(0, 9) | coir::streams::interrupt_when(MISTAKE(, *) stop);
}
