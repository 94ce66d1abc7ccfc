#include <coir/detail/work_deque.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

using coir::detail::runnable;
using coir::detail::runnable_queue;
using coir::detail::work_deque;

namespace {

struct item : runnable {
    item() : runnable{[](runnable&) noexcept {}} {}
    int taken = 0; // plain: the deque alone hands it from thread to thread
};

void take(runnable* r) { ++static_cast<item*>(r)->taken; }

} // namespace

TEST_CASE("the owner takes the newest, a thief the oldest") {
    work_deque deque;
    item items[3];
    for (item& i : items) {
        REQUIRE(deque.push(i));
    }
    CHECK(deque.steal() == &items[0]);
    CHECK(deque.pop() == &items[2]);
    CHECK_FALSE(deque.empty());
    CHECK(deque.pop() == &items[1]);
    CHECK(deque.empty());
    CHECK(deque.pop() == nullptr);
    CHECK(deque.steal() == nullptr);
    REQUIRE(deque.push(items[0]));
    CHECK(deque.steal() == &items[0]);
}

TEST_CASE("a full deque refuses, and gives its older half away in order") {
    work_deque deque;
    std::vector<item> items(work_deque::capacity + 1);
    for (std::size_t i = 0; i < work_deque::capacity; ++i) {
        REQUIRE(deque.push(items[i]));
    }
    CHECK_FALSE(deque.push(items.back()));
    runnable_queue batch;
    deque.take_half(batch);
    for (std::size_t i = 0; i < work_deque::capacity / 2; ++i) {
        REQUIRE(batch.pop() == &items[i]);
    }
    CHECK(batch.empty());
    CHECK(deque.push(items.back()));
    CHECK(deque.pop() == &items.back());
    CHECK(deque.steal() == &items[work_deque::capacity / 2]);
}

TEST_CASE("slots are used again, round and round") {
    work_deque deque;
    std::vector<item> items(work_deque::capacity);
    for (std::size_t round = 0; round < 5; ++round) {
        for (std::size_t i = 0; i < 100; ++i) {
            REQUIRE(deque.push(items[i]));
        }
        for (std::size_t i = 0; i < 50; ++i) {
            REQUIRE(deque.steal() == &items[i]);
            REQUIRE(deque.pop() == &items[99 - i]);
        }
    }
    CHECK(deque.empty());
}

TEST_CASE("everything pushed is taken exactly once, by owner, overflow or thieves") {
    constexpr std::size_t count = 40000;
    work_deque deque;
    std::vector<item> items(count);
    std::atomic<bool> done{false};
    auto const thief = [&] {
        while (!done.load()) {
            if (runnable* const r = deque.steal()) {
                take(r);
            }
        }
    };
    std::thread a{thief};
    std::thread b{thief};
    for (std::size_t i = 0; i < count; ++i) {
        while (!deque.push(items[i])) {
            runnable_queue batch;
            deque.take_half(batch);
            while (runnable* const r = batch.pop()) {
                take(r);
            }
        }
        // Mostly few items, where owner and thieves meet; now and then many.
        if (i % 7 < 3 && i % 4096 < 3072) {
            for (int n = 0; n < 3; ++n) {
                if (runnable* const r = deque.pop()) {
                    take(r);
                }
            }
        }
    }
    while (runnable* const r = deque.pop()) {
        take(r);
    }
    while (!deque.empty()) {
    }
    done.store(true);
    a.join();
    b.join();
    std::size_t once = 0;
    for (item const& i : items) {
        once += i.taken == 1 ? 1U : 0U;
    }
    CHECK(once == count);
}

TEST_CASE("owner and thief never both get the last one") {
    constexpr std::size_t count = 100000;
    work_deque deque;
    std::vector<item> items(count);
    std::atomic<bool> started{false};
    std::atomic<bool> done{false};
    std::size_t stolen = 0;
    std::thread thief{[&] {
        started.store(true);
        while (!done.load(std::memory_order_relaxed)) {
            if (runnable* const r = deque.steal()) {
                take(r);
                ++stolen;
            }
        }
    }};
    while (!started.load()) {
    }
    std::size_t kept = 0;
    for (item& i : items) {
        if (!deque.push(i)) {
            FAIL("the deque holds one at most");
        }
        for (auto wait = (&i - items.data()) % 64; wait > 0; --wait) {
            COIR_CPU_PAUSE(); // so that the thief comes at every moment
        }
        if (runnable* const r = deque.pop()) {
            take(r);
            ++kept;
        }
    }
    while (!deque.empty()) {
    }
    done.store(true);
    thief.join();
    CHECK(kept + stolen == count);
    CHECK(std::all_of(items.begin(), items.end(), [](item const& i) { return i.taken == 1; }));
}
