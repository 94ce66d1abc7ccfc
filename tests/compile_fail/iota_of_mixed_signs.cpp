// error: coir: iota counts between integers that are both signed or both unsigned
#include <coir/stream.hpp>

auto indices(std::vector<int> const& v) { return coir::streams::iota(MISTAKE(0, 0U), v.size()); }
