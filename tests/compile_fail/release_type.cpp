// error: coir: the release of acquire_use_release takes the resource
#include <coir/interrupt.hpp>

coir::task<int> acquire();
coir::task<> use(int);
coir::task<> release(MISTAKE(char*, int));

auto bracket() { return coir::acquire_use_release(acquire, use, release); }
