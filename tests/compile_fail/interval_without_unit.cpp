// error: coir: how long is a std::chrono::duration, such as 5s
#include <coir/stream.hpp>

auto ticks() { return coir::streams::interval(MISTAKE(5, std::chrono::seconds{5})); }
