// What a test's scheduler throws when a run cannot end, with every fiber and what it waits for, as
// dump.hpp prints them:
//
//     coir: deadlock at 5000 ms: nothing is ready, no deadline is armed, nothing external is expected
//       fiber 3 waits, masked, for its children
//         fiber 4 (reader) waits for deferred at copy.cpp:12
//         fiber 5 (writer) waits for deferred at copy.cpp:19
#pragma once

#include <stdexcept>

namespace coir::inline v0 {

// A run that can never end.
class stuck_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Every fiber waits, and nothing is left that could wake one.
class deadlock_error : public stuck_error {
public:
    using stuck_error::stuck_error;
};

// Fibers run on and on, in a loop of yields or of sleeps.
class livelock_error : public stuck_error {
public:
    using stuck_error::stuck_error;
};

} // namespace coir::inline v0
