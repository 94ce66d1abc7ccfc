// The scenarios by name: small casts whose every schedule is run, by the tests of the protocols,
// and by the tests that these find a mistake that is planted in the library.
#pragma once

#include "explorer.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

namespace scenario {

class stage;

struct scene {
    std::string_view name;
    std::size_t preemptions; // up to which every schedule is run in a second or two
    void (*set)(stage&);
};

[[nodiscard]] std::span<const scene> scenes();
[[nodiscard]] const scene& find(std::string_view name);

[[nodiscard]] model::result explore(const scene&, const model::options&);

} // namespace scenario
