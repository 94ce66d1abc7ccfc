// error: coir: merge takes streams, as rvalues: merge\(std::move\(other\)\)
#include <coir/stream.hpp>

auto both(coir::stream<int> a, coir::stream<int> b) {
    return std::move(a) | coir::streams::merge(MISTAKE(b, std::move(b)));
}
