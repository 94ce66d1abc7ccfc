// error: coir: the signal of streams::halt_when is a deferred&
#include <coir/stream.hpp>

coir::task<> work();

auto until(coir::deferred<>& stop) {
    return coir::streams::iota(0, 9) | coir::streams::halt_when(MISTAKE(work(), stop));
}
