// error: coir: how long is a std::chrono::duration
#include <coir/interrupt.hpp>

using namespace std::chrono_literals;
coir::task<> work();

auto limited() { return coir::timeout(work(), MISTAKE(5, 5s)); }
