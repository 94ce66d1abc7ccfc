// transform_par and transform_par_unordered on the virtual clock.
#include "concurrent_support.hpp"

#include <coir/testing/explore.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace stream_test;

namespace {

// Counts how many run at once.
class crowd {
public:
    auto enter() {
        now_ += 1;
        most_ = (std::max)(most_, now_);
        struct leaves {
            int* now;
            explicit leaves(int* n) : now{n} {}
            leaves(leaves const&) = delete;
            leaves& operator=(leaves const&) = delete;
            ~leaves() { *now -= 1; }
        };
        return leaves{&now_};
    }
    int most() const { return most_; }
    int now() const { return now_; }

private:
    int now_ = 0;
    int most_ = 0;
};

// Later elements are faster.
auto const backwards = [](int n) -> task<int> {
    co_await sleep_for(std::chrono::milliseconds{10 * (10 - n)});
    co_return n;
};

} // namespace

TEST_CASE("transform_par keeps the order of the elements, however long each takes [S20]") {
    test_scheduler s;
    auto const all = s.run([] { return collect(streams::from(one_to(9)) | streams::transform_par(3, backwards)); });
    CHECK(all.value() == one_to(9));
    CHECK(s.elapsed() < 270ms); // together they take 450
}

TEST_CASE("transform_par_unordered gives results as they come, and all of them [S21]") {
    test_scheduler s;
    auto const all =
        s.run([] { return collect(streams::from(one_to(4)) | streams::transform_par_unordered(4, backwards)); });
    CHECK(all.value() == numbers{4, 3, 2, 1});
    CHECK(s.elapsed() == 90ms);
}

TEMPLATE_TEST_CASE_SIG("at most n run at once, and n do [S20][S21]", "", ((bool ordered), ordered), true, false) {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        for (int const n : {1, 2, 5}) {
            crowd c;
            auto work = [&](int x) -> task<int> {
                auto const here = c.enter();
                co_await sleep_for(std::chrono::milliseconds{x % 3 + 1});
                co_return x;
            };
            auto const all = s.run([&] {
                if constexpr (ordered) {
                    return collect(counting(12) | streams::transform_par(n, work));
                } else {
                    return collect(counting(12) | streams::transform_par_unordered(n, work));
                }
            });
            CHECK(c.most() == n);
            CHECK(c.now() == 0);
            numbers seen = all.value();
            CHECK((!ordered || std::is_sorted(seen.begin(), seen.end())));
            std::sort(seen.begin(), seen.end());
            CHECK(seen.size() == 12);
            CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
        }
    });
}

TEST_CASE("a new element is begun as soon as one ends [S21]") {
    test_scheduler s;
    auto const first_is_slow = [](int n) -> task<int> {
        co_await sleep_for(n == 0 ? 100ms : 10ms);
        co_return n;
    };
    auto const all = s.run([&] { return collect(counting(11) | streams::transform_par_unordered(2, first_is_slow)); });
    CHECK(all.value() == numbers{1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 10});
    CHECK(s.elapsed() == 100ms);
}

TEST_CASE("with a slow consumer transform_par is n results and one element ahead at most [S20]") {
    test_scheduler s;
    int pulled = 0;
    int begun = 0;
    s.run([&]() -> task<> {
        auto work = [&](int n) -> task<int> {
            ++begun;
            co_await coir::yield();
            co_return n;
        };
        auto look = [&](int) -> task<> {
            co_await sleep_for(1s);
            CHECK(begun <= 4); // the one that was given and one more of each worker
            CHECK(pulled <= 5);
        };
        co_await (counting(99) | counting_into(pulled) | streams::transform_par(3, work) | streams::take(1) |
                  streams::for_each(look));
    });
    CHECK(pulled == 5);
}

TEST_CASE("transform_par takes plain functions, and elements that only move [S20]") {
    test_scheduler s;
    auto const sum = s.run([]() -> task<int> {
        auto const own = [](int n) { return std::make_unique<int>(n); };
        auto const twice = [](std::unique_ptr<int> n) {
            *n *= 2;
            return n;
        };
        auto const add = [](int total, std::unique_ptr<int> n) { return total + *n; };
        co_return co_await (streams::from(one_to(4)) | streams::transform_par(2, own) |
                            streams::transform_par_unordered(3, twice) | streams::fold(0, add));
    });
    CHECK(sum.value() == 20);
}

TEMPLATE_TEST_CASE_SIG("when one call fails the others are interrupted, and nothing after it is given [S22]", "",
                       ((bool ordered), ordered), true, false) {
    entries log;
    test_scheduler s;
    numbers seen;
    auto const end = s.run([&]() -> task<int, err> {
        auto work = [&log](int n) -> task<int, err> {
            leaving const left{log, "left " + std::to_string(n)};
            auto wait = [](int x) -> task<> { co_await sleep_for(std::chrono::milliseconds{10 * x}); };
            co_await coir::ensuring(wait(n), finalizer(log, "finalizer"));
            if (n == 3) {
                co_await coir::fail<err>(n);
            }
            co_return n;
        };
        auto note = [&](int n) { seen.push_back(n); };
        if constexpr (ordered) {
            co_await (streams::from(one_to(9)) | streams::transform_par(4, work) | streams::for_each(note));
        } else {
            co_await (streams::from(one_to(9)) | streams::transform_par_unordered(4, work) | streams::for_each(note));
        }
        co_return 0;
    });
    CHECK(end.error() == err{3});
    CHECK(seen == numbers{1, 2});
    CHECK(std::count(log.begin(), log.end(), "finalizer begins") ==
          std::count(log.begin(), log.end(), "finalizer ends"));
    CHECK(std::count(log.begin(), log.end(), "left 6") == 1);
    CHECK(std::count(log.begin(), log.end(), "left 7") == 0); // was never begun
}

TEST_CASE("a failure of upstream interrupts what runs, as does what a call throws [S22]") {
    entries log;
    test_scheduler s;
    auto work = [&log](int n) -> task<int> {
        leaving const left{log, "left"};
        co_await sleep_for(1h);
        co_return n;
    };
    auto const source = []() -> stream<int, err> {
        co_yield 1;
        co_yield 2;
        co_await sleep_for(1ms);
        co_await coir::fail<err>(4);
    };
    CHECK(s.run([&] { return collect(source() | streams::transform_par(3, work)); }).error() == err{4});
    CHECK(log == entries{"left", "left"});
    auto const throws = [](int n) -> int { return n == 2 ? throw std::runtime_error{"boom"} : n; };
    auto const died = s.run([&] { return collect(streams::from(one_to(3)) | streams::transform_par(2, throws)); });
    CHECK(message_of(died.defect()) == "boom");
    CHECK(s.elapsed() == 1ms);
}

TEST_CASE("after a failure no further call begins, in any schedule [S22]") {
    coir::explore(coir_test::seeds(), [](test_scheduler& s) {
        bool failed = false;
        bool begun_after = false;
        auto work = [&](int n) -> task<int, err> {
            begun_after = begun_after || failed;
            co_await coir::yield();
            if (n == 5) {
                failed = true;
                co_await coir::fail<err>(n);
            }
            co_return n;
        };
        auto const end = s.run([&] { return collect(counting(20) | streams::transform_par_unordered(3, work)); });
        CHECK(end.error() == err{5});
        CHECK_FALSE(begun_after);
    });
}

TEST_CASE("a consumer that stops early has all calls interrupted before it goes on [S23]") {
    entries log;
    test_scheduler s;
    s.run([&]() -> task<> {
        auto work = [&log](int n) -> task<int> {
            co_await coir::ensuring(sleep_for(n == 1 ? 1ms : 1h), finalizer(log));
            co_return n;
        };
        co_await (streams::from(one_to(9)) | streams::transform_par(3, work) | streams::take(1) | streams::drain());
        log.push_back("done");
    });
    CHECK(std::count(log.begin(), log.end(), "finalizer ends") == 3); // one had its result, two did not
    CHECK(log.back() == "done");
    CHECK(s.elapsed() < 10ms);
}

TEST_CASE("transform_par of nothing, never pulled, and with no room at all [S20]") {
    test_scheduler s;
    CHECK(s.run([] { return collect(counting(0) | streams::transform_par(3, backwards)); }).value().empty());
    s.run([]() -> task<> {
        co_await (counting(3) | streams::transform_par(3, backwards) | streams::take(0) | streams::drain());
    });
    CHECK(s.elapsed() == 0ms);
    CHECK_THROWS_AS(streams::transform_par(0, backwards), std::invalid_argument);
    CHECK_THROWS_AS(streams::transform_par_unordered(-1, backwards), std::invalid_argument);
}
