// error: coir: a finalizer of on_exit takes outcome<T, E> const& and returns task<void, never>
#include <coir/interrupt.hpp>

coir::task<int> work();
coir::task<> tell(coir::outcome<MISTAKE(bool, int)> const&);

auto told() { return coir::on_exit(work(), tell); }
