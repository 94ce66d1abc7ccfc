// error: coir: how long is a std::chrono::duration
#include <coir/time.hpp>

using namespace std::chrono_literals;

auto nap() { return coir::sleep_for(MISTAKE(5, 5s)); }
