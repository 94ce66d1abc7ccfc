// error: coir: concat takes streams, as rvalues; begin with streams::from, pass on with std::move
#include <coir/stream.hpp>

auto all(std::vector<int> more) {
    return coir::streams::concat(coir::streams::once(1), MISTAKE(, coir::streams::from)(std::move(more)));
}
