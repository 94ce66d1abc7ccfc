#include "support/leak_check.hpp"

namespace coir_test {
namespace {

// A function's static, because files register in an order that nobody knows.
std::vector<leak_check>& registry() {
    static std::vector<leak_check> checks;
    return checks;
}

} // namespace

bool register_leak_check(char const* what, long (*live)()) {
    registry().push_back({what, live});
    return true;
}

std::vector<leak_check> const& leak_checks() { return registry(); }

} // namespace coir_test
