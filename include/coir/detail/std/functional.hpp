// std::hash, std::equal_to and std::reference_wrapper: <functional> without std::function, the
// binders and the searchers, which bring hash tables along. libstdc++ has them alone; elsewhere it
// is all of it.
#pragma once

#include <cstddef>

#if defined(__GLIBCXX__) && __has_include(<bits/refwrap.h>) && __has_include(<bits/stl_function.h>)
#include <bits/functional_hash.h>
#include <bits/refwrap.h>
#include <bits/stl_function.h>
#else
#include <functional>
#endif
