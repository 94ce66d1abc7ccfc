// min, max, lower_bound and heaps: what coir needs of <algorithm>. libstdc++ has them alone, without
// the algorithms for ranges and for several threads; elsewhere it is all of it.
#pragma once

#include <cstddef>

#if defined(__GLIBCXX__) && __has_include(<bits/stl_algobase.h>) && __has_include(<bits/stl_heap.h>)
#include <bits/stl_algobase.h>
#include <bits/stl_heap.h>
#else
#include <algorithm>
#endif
