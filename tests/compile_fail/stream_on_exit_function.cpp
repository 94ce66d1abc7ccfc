// error: coir: a finalizer of on_exit takes outcome<void, E> const&, E the error type of the stream
#include <coir/stream.hpp>

coir::task<> note(coir::outcome<int> const&);
coir::task<> remember(coir::outcome<void> const&);

auto all() { return coir::streams::iota(0) | coir::streams::on_exit(MISTAKE(note, remember)); }
