// error: deleted.*deferred
#include <coir/deferred.hpp>

void hand_over(coir::deferred<int>& from) {
    coir::deferred<int> MISTAKE(, &&) to = std::move(from);
    static_cast<void>(to);
}
