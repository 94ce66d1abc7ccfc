// error: coir: a finalizer is a callable that returns task<void, never>
#include <coir/scope.hpp>

coir::task<void, MISTAKE(int, coir::never)> clean_up();

void open(coir::scope<>& s) { s.add_finalizer(clean_up); }
