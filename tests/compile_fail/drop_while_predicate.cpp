// error: coir: drop_while takes a function of one element that returns bool
// [S5]
#include <coir/stream.hpp>

int digits(int);
bool is_small(int);

auto large() { return coir::streams::iota(0) | coir::streams::drop_while(MISTAKE(digits, is_small)); }
