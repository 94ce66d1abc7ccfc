// error: coir: from_watch takes a watch<T>
#include <coir/coir.hpp>

auto changes(MISTAKE(int, coir::watch<int>) & setting) { return coir::streams::from_watch(setting); }
