// The algorithms over iterators: <algorithm> without those for ranges and for several threads.
// libstdc++ has them alone; elsewhere it is all of it.
#pragma once

#include <cstddef>

#if defined(__GLIBCXX__) && __has_include(<bits/stl_algo.h>)
#include <bits/stl_algo.h>
#else
#include <algorithm>
#endif
