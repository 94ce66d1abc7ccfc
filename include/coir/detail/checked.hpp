// COIR_CHECKED: misuse that costs something to find aborts with one line on stderr.
//
//     COIR_CHECK(has_work(), "a task was awaited twice");
//
// Off by default; define it for all translation units of a program, as it changes layouts.
#pragma once

#if defined(COIR_CHECKED)

#include <cstdio>
#include <cstdlib>

namespace coir::inline v0::detail {

[[noreturn]] inline void misuse(char const* what) noexcept {
    std::fprintf(stderr, "coir: misuse: %s\n", what);
    std::abort();
}

} // namespace coir::inline v0::detail

#define COIR_CHECK(condition, what) ((condition) ? void() : ::coir::detail::misuse(what))
#else
#define COIR_CHECK(condition, what) ((void)0)
#endif
