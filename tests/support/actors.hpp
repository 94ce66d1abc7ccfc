// Small tasks that tests of fibers, scopes and interruption are cast with.
#pragma once

#include <coir/deferred.hpp>
#include <coir/interrupt.hpp>
#include <coir/task.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace coir_test {

/// What happened, in order.
using steps = std::vector<std::string>;

struct failed {
    int code;
};

inline coir::task<> never_ends() {
    coir::deferred<> never;
    co_await never;
}

/// Writes down `what` after a time.
inline coir::task<> note(steps& log, std::chrono::milliseconds d, std::string what) {
    co_await coir::sleep_for(d);
    log.push_back(what);
}

/// Never ends by itself; when it is interrupted it takes its time to clean up.
inline coir::task<> cleans_up(steps& log, std::string what) {
    auto const clean = [&log, what] { return note(log, std::chrono::milliseconds{5}, what); };
    co_await coir::ensuring(never_ends(), coir::moved(clean));
}

inline coir::task<int, failed> fails_after(std::chrono::milliseconds d, int code) {
    co_await coir::sleep_for(d);
    co_await coir::fail(failed{code});
    co_return 0;
}

/// Counts what nobody looked at.
class counting_scheduler : public coir::test_scheduler {
public:
    using test_scheduler::test_scheduler;
    void on_unhandled(coir::unhandled_outcome const&) noexcept override { ++unhandled; }
    int unhandled = 0;
};

} // namespace coir_test
