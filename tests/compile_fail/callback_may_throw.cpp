// error: coir: on_done takes a noexcept function of outcome<T, E> const&
#include <coir/deferred.hpp>

#if defined(COIR_TEST_FIXED)
#define NOEXCEPT noexcept
#else
#define NOEXCEPT
#endif

int watch(coir::deferred<int>& d) {
    int seen = 0;
    auto const registration = d.on_done([&](coir::outcome<int> const& end) NOEXCEPT { seen = end.value(); });
    return seen;
}
