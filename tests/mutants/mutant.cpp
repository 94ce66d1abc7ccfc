// The scenarios on a mutated library: finds the planted mistake, or with no mistake none.
//
//     coir_mutant_x <scene> <report>     the scene must fail, with a report that begins so
//     coir_mutant_none                   no scene may fail
#include "scenes.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <string_view>

namespace {

// Schedules of each bound: within which a mistake is found, and which show that none is there. The
// tests of the library itself run them all.
constexpr std::uint64_t search = 20'000;
constexpr std::uint64_t sample = 1'000;

// Sequential consistency first, then with a weaker memory.
model::result run(const scenario::scene& which, std::uint64_t enough) {
    auto result = scenario::explore(which, {.preemptions = which.preemptions, .max_schedules = enough});
    if (result.failure) return result;
    const auto before = result.bounds;
    result = scenario::explore(which, {.preemptions = which.preemptions, .deviations = 1, .max_schedules = enough});
    result.bounds.insert(result.bounds.begin(), before.begin(), before.end());
    return result;
}

bool is_found(const scenario::scene& which, std::string_view expected) {
    const auto result = run(which, search);
    std::cout << which.name << ": " << result.schedules() << " schedules";
    if (!result.failure) {
        std::cout << ", and the mistake was not found\n";
        return false;
    }
    const auto report = std::string(name(result.failure->broken)) + ": " + result.failure->message;
    std::cout << " to " << report << '\n';
    if (report.starts_with(expected)) return true;
    std::cout << "but the mistake is a " << expected << '\n' << result.text();
    return false;
}

bool is_clean(const scenario::scene& which) {
    const auto result = run(which, sample);
    std::cout << which.name << ": " << result.schedules() << " schedules\n";
    if (result.failure) std::cout << result.text();
    return !result.failure;
}

} // namespace

int main(int count, char** arguments) try {
    if (count == 3) return is_found(scenario::find(arguments[1]), arguments[2]) ? 0 : 1;
    bool clean = true;
    for (const auto* each : scenario::scenes()) clean = is_clean(*each) && clean;
    return clean ? 0 : 1;
} catch (const std::exception& wrong) {
    std::cerr << wrong.what() << '\n';
    return 2;
}
