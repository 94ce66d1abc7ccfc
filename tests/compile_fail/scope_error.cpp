// error: coir: the scope's error type lacks an error of this child; name it in with_scope<E>
#include <coir/scope.hpp>

struct broken {};
coir::task<void, broken> child();

void start(coir::scope<MISTAKE(coir::never, broken)>& s) { s.fork(child); }
