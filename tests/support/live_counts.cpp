// In executables that count with COIR_COUNT_LIVE, every test case ends with zero.
#include <coir/detail/live_count.hpp>

#if defined(COIR_COUNT_LIVE)

#include "support/leak_check.hpp"

namespace {

using coir::detail::live;

long count(live what) { return static_cast<long>(coir::detail::live_count(what).load()); }

[[maybe_unused]] bool const registered[] = {
    coir_test::register_leak_check("fibers", [] { return count(live::fibers); }),
    coir_test::register_leak_check("timers", [] { return count(live::timers); }),
};

} // namespace

#endif
