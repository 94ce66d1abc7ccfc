// error: coir: take_while takes a function of one element that returns bool
// [S5]
#include <coir/stream.hpp>

coir::task<bool> is_good(int);
bool is_even(int);

auto good() { return coir::streams::iota(0) | coir::streams::take_while(MISTAKE(is_good, is_even)); }
