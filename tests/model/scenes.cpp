#include "scenes.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace scenario {

namespace {

std::vector<const scene*>& registered() {
    static std::vector<const scene*> all;
    return all;
}

} // namespace

added::added(std::span<const scene> of_a_file) {
    for (const scene& each : of_a_file) registered().push_back(&each);
}

const std::vector<const scene*>& scenes() { return registered(); }

const scene& find(std::string_view name) {
    const auto found = std::find_if(scenes().begin(), scenes().end(), [=](auto* each) { return each->name == name; });
    if (found == scenes().end()) throw std::invalid_argument("no scene is called " + std::string(name));
    return **found;
}

model::result explore(const scene& which, const model::options& how) { return model::explore(how, which.set); }

} // namespace scenario
