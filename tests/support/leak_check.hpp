// What must be zero after every test case: live fibers, timers, waiters, frames.
//
//     static bool const registered = coir_test::register_leak_check("fibers", [] { return live_fibers(); });
//
// in a file of tests/support/, which is linked into every test executable.
#pragma once

#include <vector>

namespace coir_test {

struct leak_check {
    char const* what;
    long (*live)();
};

/// Has `live` called after every test case, on the main thread; a test case after which
/// it does not return zero fails. Call it during static initialisation.
bool register_leak_check(char const* what, long (*live)());

std::vector<leak_check> const& leak_checks();

} // namespace coir_test
