// The concepts of ranges and what goes over them: <ranges> without the views, which are thrice as
// much as the rest. libstdc++ has that part alone; elsewhere it is all of it.
#pragma once

#include <cstddef>

#if defined(__GLIBCXX__) && __has_include(<bits/ranges_base.h>)
#include <bits/ranges_base.h>
#else
#include <ranges>
#endif
