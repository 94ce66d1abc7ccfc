// error: coir: this is no stream; begin with streams::from or another source
#include <coir/stream.hpp>

bool is_even(int);

auto even(std::vector<int> numbers) { return MISTAKE(, coir::streams::from)(numbers) | coir::streams::filter(is_even); }
