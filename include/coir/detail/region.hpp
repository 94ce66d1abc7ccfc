// A cancel region: a part of a fiber that can be given up while the fiber goes on.
//
// A fiber has a stack of them; the outermost is the fiber itself. `timeout` and its like push
// one. A mask is a depth, the shield: regions at or below it cannot reach what runs inside.
#pragma once

#include <coir/detail/atomic.hpp>

#include <cstdint>

namespace coir::inline v0::detail {

struct region {
    region* outer = nullptr;
    // Atomic as a canceller reads it while the fiber may be running; the value it acts on was
    // read and confirmed within one suspension (claim_word's version), so relaxed is enough.
    atomic<std::uint32_t> depth{0};
    atomic<bool> cancelled{false};
};

} // namespace coir::inline v0::detail
