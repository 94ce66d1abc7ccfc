// The scenarios by name: small casts whose every schedule is run, by the tests of the protocols,
// and by the tests that these find a mistake that is planted in the library.
//
//     constexpr scenario::scene all[] = {{"complete/remove", 4, [](stage& s) { ... }}};
//     const scenario::added these{all};
#pragma once

#include "explorer.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace scenario {

template <class F, class Stage>
Stage stage_of(void (F::*)(Stage&) const);

struct scene {
    /// The function has no captures; what it sets up is made anew for every schedule.
    template <class F>
    constexpr scene(std::string_view scene_name, std::size_t bound, F)
        : name(scene_name), preemptions(bound), set([](model::run& run) {
              auto* cast = new decltype(stage_of(&F::operator()))(run);
              F{}(*cast);
              run.finally([=] { delete cast; });
          }) {}

    std::string_view name;
    std::size_t preemptions; // up to which every schedule is run in a second or two
    void (*set)(model::run&);
};

/// Scenes of a file; all that are linked are found.
struct added {
    explicit added(std::span<const scene>);
};

[[nodiscard]] const std::vector<const scene*>& scenes();
[[nodiscard]] const scene& find(std::string_view name);

[[nodiscard]] model::result explore(const scene&, const model::options&);

} // namespace scenario
