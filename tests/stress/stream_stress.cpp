// Stages that own fibers, on the threads of a pool, stopped and interrupted at any moment.
#include <coir/dump.hpp>
#include <coir/interrupt.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/stream.hpp>
#include <coir/testing/explore.hpp>
#include <coir/time.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>
#include <vector>

using namespace coir;
using namespace std::chrono_literals;

namespace {

// side * 1000 + its 0, 1, 2...; gives way now and then.
stream<int> numbered(int side, int n, scheduler& s, std::atomic<int>& open) {
    struct opened {
        std::atomic<int>& count;
        explicit opened(std::atomic<int>& c) : count{c} { ++count; }
        ~opened() { --count; }
    } const here{open};
    for (int i = 0; i < n; ++i) {
        switch (s.random() % 16) {
        case 0: co_await sleep_for(std::chrono::microseconds{s.random() % 30}); break;
        case 1:
        case 2: co_await yield(); break;
        default: break;
        }
        co_yield side * 1000 + i;
    }
}

// Each side is in order and has no gap.
class order_checker {
public:
    void operator()(int n) {
        auto& next = next_[static_cast<std::size_t>(n / 1000)];
        wrong_ += n % 1000 == next ? 0 : 1;
        ++next;
        ++seen_;
    }
    int wrong() const { return wrong_; }
    int seen() const { return seen_; }

private:
    std::array<int, 8> next_{};
    int wrong_ = 0;
    int seen_ = 0;
};

} // namespace

TEST_CASE("merge on a pool keeps the order of its sides and loses nothing [S24]") {
    thread_pool pool{3};
    std::atomic<int> open{0};
    for (unsigned round = 0; round < 60 * coir_test::stress_scale(); ++round) {
        order_checker check;
        pool.run([&]() -> task<> {
            co_await (streams::merge(numbered(0, 200, pool, open), numbered(1, 100, pool, open),
                                     numbered(2, 150, pool, open) | streams::merge(numbered(3, 50, pool, open))) |
                      streams::for_each(std::ref(check)));
        });
        REQUIRE(check.wrong() == 0);
        REQUIRE(check.seen() == 500);
        REQUIRE(open == 0);
    }
}

TEST_CASE("merge on a pool that is stopped early or interrupted leaves nothing [S25][S23]") {
    thread_pool pool{3};
    std::atomic<int> open{0};
    int gone = 0;
    for (unsigned round = 0; round < 300 * coir_test::stress_scale(); ++round) {
        order_checker check;
        pool.run([&]() -> task<> {
            auto const some = static_cast<std::size_t>(pool.random() % 200);
            auto run = streams::merge(numbered(0, 300, pool, open), numbered(1, 300, pool, open)) |
                       streams::take(some) | streams::for_each(std::ref(check));
            auto const ended = co_await timeout(std::move(run), std::chrono::microseconds{pool.random() % 200});
            gone += ended ? 0 : 1;
        });
        REQUIRE(check.wrong() == 0);
        REQUIRE(open == 0);
    }
    CHECK(gone > 0);
}

TEST_CASE("a pool is dumped while fibers of streams come and go [X22]") {
    thread_pool pool{2};
    std::atomic<int> open{0};
    std::atomic<bool> over{false};
    std::size_t dumped = 0;
    std::thread reader{[&] {
        while (!over) {
            dumped += dump(pool).size();
        }
    }};
    for (unsigned round = 0; round < 60 * coir_test::stress_scale(); ++round) {
        pool.run([&]() -> task<> {
            auto body = [](auto& in) -> task<> {
                auto pull = [&in]() -> task<std::optional<int>> { co_return co_await next(in); };
                for (int i = 0; i < 20; ++i) {
                    co_await fork(pull);
                }
            };
            co_await with_stream(numbered(0, 300, pool, open) | streams::merge(numbered(1, 300, pool, open)), body);
        });
        REQUIRE(open == 0);
    }
    over = true;
    reader.join();
    CHECK(dumped > 0);
}

TEST_CASE("buffers on a pool keep the order and lose nothing that they should not [S31][S32]") {
    thread_pool pool{3};
    std::atomic<int> open{0};
    for (unsigned round = 0; round < 60 * coir_test::stress_scale(); ++round) {
        order_checker check;
        int last = -1;
        bool rising = true;
        pool.run([&]() -> task<> {
            co_await (numbered(0, 400, pool, open) | streams::buffer(round % 7) | streams::for_each(std::ref(check)));
            auto look = [&](int n) -> task<> {
                rising = rising && n > last;
                last = n;
                co_await yield();
            };
            auto const capacity = round % 2 == 0 ? sliding(2) : dropping(2);
            co_await (numbered(0, 400, pool, open) | streams::buffer(capacity) | streams::for_each(look));
        });
        REQUIRE(check.wrong() == 0);
        REQUIRE(check.seen() == 400);
        REQUIRE(rising);
        REQUIRE((round % 2 != 0 || last == 399));
        REQUIRE(open == 0);
    }
}

TEST_CASE("transform_par on a pool keeps the order, and n at most run at once [S20][S21]") {
    thread_pool pool{3};
    std::atomic<int> open{0};
    std::atomic<int> most{0};
    for (unsigned round = 0; round < 60 * coir_test::stress_scale(); ++round) {
        std::atomic<int> running{0};
        std::atomic<bool> too_many{false};
        int const limit = 1 + static_cast<int>(round % 5);
        auto work = [&](int n) -> task<int> {
            int const now = ++running;
            too_many = too_many || now > limit;
            most = now > most ? now : most.load();
            if (n % 3 == 0) {
                co_await yield();
            }
            --running;
            co_return n;
        };
        order_checker check;
        std::vector<char> seen(400);
        pool.run([&]() -> task<> {
            co_await (numbered(0, 400, pool, open) | streams::transform_par(limit, work) |
                      streams::for_each(std::ref(check)));
            auto note = [&](int n) { ++seen[static_cast<std::size_t>(n)]; };
            co_await (numbered(0, 400, pool, open) | streams::transform_par_unordered(limit, work) |
                      streams::for_each(note));
        });
        REQUIRE(check.wrong() == 0);
        REQUIRE(check.seen() == 400);
        REQUIRE(seen == std::vector<char>(400, 1));
        REQUIRE_FALSE(too_many);
        REQUIRE(open == 0);
    }
    CHECK(most > 1);
}

TEST_CASE("zip_latest and switch_map on a pool, stopped at any moment, leave nothing [S29][X35]") {
    thread_pool pool{3};
    std::atomic<int> open{0};
    for (unsigned round = 0; round < 200 * coir_test::stress_scale(); ++round) {
        std::atomic<int> inside{0};
        std::atomic<bool> overlap{false};
        int newest = -1;
        bool rising = true;
        pool.run([&]() -> task<> {
            auto inner = [&](int n) -> stream<int> {
                struct only {
                    std::atomic<int>& count;
                    explicit only(std::atomic<int>& c) : count{c} { ++count; }
                    ~only() { --count; }
                } const here{inside};
                overlap = overlap || inside > 1;
                for (int i = 0; i < 3; ++i) {
                    co_await yield();
                    co_yield n;
                }
            };
            auto note = [&](int n) {
                rising = rising && n >= newest;
                newest = n;
            };
            auto switched = numbered(0, 100, pool, open) | streams::switch_map(inner) | streams::for_each(note);
            co_await timeout(std::move(switched), std::chrono::microseconds{pool.random() % 400 + 1});
            auto zipped = numbered(0, 50, pool, open) | streams::zip_latest(numbered(1, 50, pool, open)) |
                          streams::take(static_cast<std::size_t>(pool.random() % 120)) | streams::drain();
            co_await std::move(zipped);
        });
        REQUIRE(rising);
        REQUIRE_FALSE(overlap);
        REQUIRE(inside == 0);
        REQUIRE(open == 0);
    }
}

TEST_CASE("flat_map of several streams on a pool gives all of each, in its order [S37]") {
    thread_pool pool{3};
    std::atomic<int> open{0};
    for (unsigned round = 0; round < 60 * coir_test::stress_scale(); ++round) {
        order_checker check;
        int const limit = 1 + static_cast<int>(round % 4);
        pool.run([&]() -> task<> {
            auto inner = [&](int side) { return numbered(side, 60, pool, open); };
            co_await (numbered(0, 8, pool, open) | streams::flat_map(limit, inner) |
                      streams::for_each(std::ref(check)));
            order_checker part;
            co_await (numbered(0, 8, pool, open) | streams::flat_map(limit, inner) |
                      streams::take(static_cast<std::size_t>(pool.random() % 300)) | streams::for_each(std::ref(part)));
        });
        REQUIRE(check.wrong() == 0);
        REQUIRE(check.seen() == 480);
        REQUIRE(open == 0);
    }
}
