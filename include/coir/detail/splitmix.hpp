// splitmix64: states one step apart give numbers that look random (Steele, Lea, Flood: Fast
// splittable pseudorandom number generators, 2014).
//
//     state += splitmix_step;
//     auto number = mix64(state);
#pragma once

#include <cstdint>

namespace coir::inline v0::detail {

constexpr std::uint64_t mix64(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

inline constexpr std::uint64_t splitmix_step = 0x9e3779b97f4a7c15U;

} // namespace coir::inline v0::detail
