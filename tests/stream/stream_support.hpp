// What the tests of streams share: an error, a log, finalizers and frames that write to it.
#pragma once

#include <coir/adapt.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/stream.hpp>
#include <coir/sync/queue.hpp>
#include <coir/testing/test_scheduler.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace stream_test {

using namespace std::chrono_literals;
using coir::deferred;
using coir::fork;
using coir::next;
using coir::sleep_for;
using coir::stream;
using coir::task;
using coir::test_scheduler;
namespace streams = coir::streams;

using entries = std::vector<std::string>;
using numbers = std::vector<int>;

struct err {
    int code;
    bool operator==(err const&) const = default;
};

// Writes when it is destroyed: on a frame, in a closure.
class leaving {
public:
    leaving(entries& log, std::string what) : log_{&log}, what_{std::move(what)} {}
    leaving(leaving const&) = delete;
    leaving& operator=(leaving const&) = delete;
    ~leaving() { log_->push_back(what_); }

private:
    entries* log_;
    std::string what_;
};

// A finalizer that suspends: what interrupts it, or does not wait for it, shows in the log.
inline task<> finalize(entries* log, char const* what) {
    log->push_back(std::string{what} + " begins");
    co_await coir::yield();
    co_await sleep_for(1ms);
    log->push_back(std::string{what} + " ends");
}
inline auto finalizer(entries& log, char const* what = "finalizer") {
    return [&log, what] { return finalize(&log, what); };
}
inline auto throwing_finalizer(char const* what) {
    return [what]() -> task<> {
        co_await coir::yield();
        throw std::runtime_error{what};
    };
}

inline std::string message_of(std::exception_ptr const& e) {
    try {
        if (e) {
            std::rethrow_exception(e);
        }
    } catch (std::exception const& x) {
        return x.what();
    }
    return "nothing was thrown";
}

// A list in braces inside a co_await is too much for GCC 12.
inline numbers one_to(int n) {
    numbers all;
    for (int i = 1; i <= n; ++i) {
        all.push_back(i);
    }
    return all;
}
// 0, 1, 2... at once.
inline stream<int> counting(int n) {
    for (int i = 0; i < n; ++i) {
        co_yield i;
    }
}
// 1, 2, 3... one at the end of each `period`.
inline stream<int> ticking(std::chrono::milliseconds period, int n) {
    for (int i = 1; i <= n; ++i) {
        co_await sleep_for(period);
        co_yield i;
    }
}

inline task<> after(std::chrono::milliseconds d, deferred<>* signal) {
    co_await sleep_for(d);
    signal->succeed();
}

} // namespace stream_test
