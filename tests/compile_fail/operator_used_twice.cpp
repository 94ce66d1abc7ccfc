// error: coir: this operator holds what cannot be copied, so it is used once, as an rvalue: stream . std::move.op.
#include <coir/stream.hpp>

#include <utility>

auto merged(coir::stream<int> other) {
    auto op = coir::streams::merge(std::move(other));
    return coir::streams::iota(0, 9) | MISTAKE(op, std::move(op));
}
