// How hard a test tries, set from outside: a developer waits seconds, a release hours.
//
//     for (unsigned seed = 1; seed <= coir_test::seeds(); ++seed) { ... }
//     auto const rounds = 10'000 * coir_test::stress_scale();
#pragma once

#include <cstdlib>

namespace coir_test {

inline unsigned effort_from(char const* variable, unsigned otherwise) {
    char const* text = std::getenv(variable);
    unsigned long const value = text != nullptr ? std::strtoul(text, nullptr, 10) : 0;
    return value != 0 ? static_cast<unsigned>(value) : otherwise;
}

/// Seeds to run a scheduled scenario under: COIR_SEEDS, or 100.
inline unsigned seeds() { return effort_from("COIR_SEEDS", 100); }

/// Factor for the rounds of stress tests: COIR_STRESS_SCALE, or 1, at which one test
/// case takes about a second without a sanitizer.
inline unsigned stress_scale() { return effort_from("COIR_STRESS_SCALE", 1); }

} // namespace coir_test
