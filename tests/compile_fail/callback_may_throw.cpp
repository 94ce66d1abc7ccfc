// error: coir: on_done takes a noexcept function of outcome<T, E> const&
#include <coir/deferred.hpp>

int watch(coir::deferred<int>& d) {
    int seen = 0;
    auto const registration = d.on_done([&](coir::outcome<int> const& end) MISTAKE(, noexcept) { seen = end.value(); });
    return seen;
}
