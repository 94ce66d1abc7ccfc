// How many fibers, timers, waiters and frames are alive, for tests that end with a zero.
// Counted only with COIR_COUNT_LIVE, as each count is a locked read-modify-write.
#pragma once

#include <coir/detail/config.hpp>

#include <atomic>
#include <cstddef>

namespace coir::inline v0::detail {

enum class live : unsigned { fibers, frames, waiters, timers };

#if defined(COIR_COUNT_LIVE)

// Not detail::atomic: the counts are no part of any protocol that a model checker explores.
COIR_SHARED inline std::atomic<std::ptrdiff_t>& live_count(live what) noexcept {
    static constinit std::atomic<std::ptrdiff_t> counts[4]{};
    return counts[static_cast<unsigned>(what)];
}

// How many there ever were.
COIR_SHARED inline std::atomic<std::ptrdiff_t>& made_count(live what) noexcept {
    static constinit std::atomic<std::ptrdiff_t> counts[4]{};
    return counts[static_cast<unsigned>(what)];
}

inline void count_made(live what) noexcept {
    live_count(what).fetch_add(1, std::memory_order_relaxed);
    made_count(what).fetch_add(1, std::memory_order_relaxed);
}
inline void count_gone(live what) noexcept { live_count(what).fetch_sub(1, std::memory_order_relaxed); }

// A base that counts its objects.
template <live What>
class counted {
public:
    counted() noexcept { count_made(What); }
    counted(counted const&) noexcept : counted() {}
    counted& operator=(counted const&) = default;
    ~counted() { count_gone(What); }
};

#else

inline void count_made(live) noexcept {}
inline void count_gone(live) noexcept {}

template <live What>
class counted {};

#endif

} // namespace coir::inline v0::detail
