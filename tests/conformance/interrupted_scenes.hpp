// The parts that scenarios are made of which are interrupted at each of their moments.
#pragma once

#include <coir/deferred.hpp>
#include <coir/fail.hpp>
#include <coir/task.hpp>
#include <coir/time.hpp>

#include "support/interrupt_everywhere.hpp"

#include <chrono>

namespace coir_test::interrupted_scenes {

using namespace std::chrono_literals;
using coir::deferred;
using coir::task;
using coir_test::interrupt_everywhere;
using coir_test::ledger;

struct failed {
    int code;
};

inline task<int> value_after(ledger& books, std::chrono::milliseconds d, int v) {
    ledger::local const here{books};
    co_await coir::sleep_for(d);
    co_return v;
}

inline task<int, failed> fails_after(ledger& books, std::chrono::milliseconds d) {
    ledger::local const here{books};
    co_await coir::sleep_for(d);
    co_await coir::fail(failed{1});
    co_return 0;
}

inline task<> never_ends(ledger& books) {
    ledger::local const here{books};
    deferred<> never;
    co_await books.guarded(never);
}

} // namespace coir_test::interrupted_scenes
