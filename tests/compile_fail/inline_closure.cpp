// error: coir: GCC 12.2 destroys this closure twice; write
// only: GNU
#include <coir/interrupt.hpp>

#include <memory>

coir::task<> work();

auto guarded(std::shared_ptr<int> file) {
    return coir::ensuring(work(), [MISTAKE(, &) file]() -> coir::task<> { co_return; });
}
