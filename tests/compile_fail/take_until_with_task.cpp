// error: coir: take_until takes a function of one element that returns bool
// [S5]
#include <coir/stream.hpp>

coir::task<bool> is_done(int);
bool is_last(int);

auto all() { return coir::streams::iota(0) | coir::streams::take_until(MISTAKE(is_done, is_last)); }
