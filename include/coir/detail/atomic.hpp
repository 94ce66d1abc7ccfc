// The one alias through which the library uses atomics.
//
// A model checker replaces it: with COIR_MODEL_ATOMIC naming a header that defines
// `coir::detail::atomic`, the real code of the library runs on checked atomics.
#pragma once

#include <coir/detail/config.hpp>

#if defined(COIR_MODEL_ATOMIC)
#include COIR_MODEL_ATOMIC
#else
#include <atomic>

namespace coir::inline v0::detail {
template <class T>
using atomic = std::atomic<T>;
} // namespace coir::inline v0::detail
#endif
