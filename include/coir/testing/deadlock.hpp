// What a test's scheduler throws when a run cannot end, with every fiber and what it waits for:
//
//     coir: deadlock at 5000 ms: nothing is ready, no deadline is armed, nothing external is expected
//       fiber 3 waits for its children
//         fiber 4 (reader) waits for deferred
//         fiber 5 (writer) waits for deferred
#pragma once

#include <coir/detail/fiber_base.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>

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

namespace coir::inline v0::detail {

inline void describe(std::string& text, fiber_base& f, std::size_t depth) {
    text.append(2 * depth, ' ').append("fiber ").append(std::to_string(f.id().value));
    if (!f.name().empty()) {
        text.append(" (").append(f.name()).append(")");
    }
    char const* const what = f.waits_for();
    text.append(what != nullptr ? " waits for " : " is ready").append(what != nullptr ? what : "").append("\n");
}

// A line for each, indented below its parent, the oldest first. On the scheduler's thread.
inline void describe_all(std::string& text, nursery& fibers, std::size_t depth = 1) {
    fibers.for_each([&](nursery_member& m) {
        auto& f = static_cast<fiber_base&>(m);
        describe(text, f, depth);
        for (nursery* n = &f.children(); n != nullptr; n = n->next()) {
            describe_all(text, *n, depth + 1);
        }
    });
}

} // namespace coir::inline v0::detail
