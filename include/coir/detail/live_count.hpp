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

// A base that counts its objects.
template <live What>
class counted {
public:
    counted() noexcept { live_count(What).fetch_add(1, std::memory_order_relaxed); }
    counted(counted const&) noexcept : counted() {}
    counted& operator=(counted const&) = default;
    ~counted() { live_count(What).fetch_sub(1, std::memory_order_relaxed); }
};

#else

template <live What>
class counted {};

#endif

} // namespace coir::inline v0::detail
