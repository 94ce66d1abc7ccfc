// A deferred that is destroyed while a plain thread, which waited long enough, is on its way out.
#include <coir/deferred.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

using namespace std::chrono_literals;

namespace {

thread_local int changes_made = -1; // by the thread that waits; others do not count
std::atomic<bool> on_its_way{false};

// Its first change of the list's word begins the wait, the second is to take it back.
void stop_on_the_way() {
    if (changes_made >= 0 && ++changes_made == 2) {
        on_its_way = true;
        std::this_thread::sleep_for(5ms);
    }
}

// Whether the thread was told that the deferred has ended: not if it was slow, which the machine decides.
bool ends_on_the_way() {
    auto d = std::make_unique<coir::deferred<int>>();
    on_its_way = false;
    bool told = false;
    std::thread waiter{[&told, &cell = *d] {
        changes_made = 0;
        told = cell.wait_for(1ms);
    }};
    while (!on_its_way) {
        std::this_thread::yield();
    }
    d.reset(); // AddressSanitizer sees whether the thread reads it afterwards
    waiter.join();
    return told;
}

} // namespace

TEST_CASE("the end of a deferred waits for a thread that is giving up [D32]") {
    coir_test::preempted = stop_on_the_way;
    bool told = false;
    for (int attempt = 0; attempt < 200 && !told; ++attempt) {
        told = ends_on_the_way();
    }
    coir_test::preempted = [] {};
    CHECK(told);
}
