// The concepts of ranges and what goes over them: <ranges> without the views, which are thrice as
// much as the rest. In libstdc++ they come with <span>, which is made of them; elsewhere it is all of it.
#pragma once

#include <cstddef>

#if defined(__GLIBCXX__)
#include <span>
#else
#include <ranges>
#endif
