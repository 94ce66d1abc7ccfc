// Runs a scene of scenes.hpp, and prints what was explored.
#pragma once

#include "scenes.hpp"

#include <catch2/catch.hpp>

#include <iostream>
#include <string_view>

namespace scenario {

inline void every_schedule(const scenario::scene& scene, const model::options& how) {
    const auto result = scenario::explore(scene, how);
    std::cout << scene.name << ": " << result.schedules() << " schedules up to " << how.preemptions
              << " preemptions and " << how.deviations << " deviations\n";
    INFO(result.text());
    CHECK(result.complete);
    CHECK_FALSE(result.failure);
}

// Under sequential consistency up to the bound, and up to one less where memory may once be
// weaker; prints what was explored.
inline void every_schedule(std::string_view name) {
    const auto& scene = scenario::find(name);
    const auto preemptions = model::bound_or(scene.preemptions);
    every_schedule(scene, {.preemptions = preemptions});
    if (preemptions > 0) every_schedule(scene, {.preemptions = preemptions - 1, .deviations = 1});
}

} // namespace scenario
