// error: coir: add_finalizer takes a callable that can be copied and returns task<void, never>
#include <coir/scope.hpp>

coir::task<void, MISTAKE(int, coir::never)> clean_up();

void open(coir::scope<>& s) { s.add_finalizer(clean_up); }
