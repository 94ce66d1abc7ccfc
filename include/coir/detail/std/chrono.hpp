// Durations, time points, clocks and their literals: <chrono> without the calendar and what prints
// it, which brings the string streams along. libstdc++ has that part alone; elsewhere it is all of it.
#pragma once

#include <cstddef>

#if defined(__GLIBCXX__) && __has_include(<bits/chrono.h>)
#include <bits/chrono.h>
#else
#include <chrono>
#endif
