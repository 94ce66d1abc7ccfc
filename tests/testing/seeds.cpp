#include <coir/deferred.hpp>
#include <coir/testing/explore.hpp>
#include <coir/time.hpp>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using coir::fork;
using coir::task;
using coir::test_scheduler;
using namespace std::chrono_literals;

namespace {

// Five fibers, three turns each; the string says who ran when.
task<std::string> take_turns() {
    std::string order;
    std::vector<coir::fiber<>> all;
    for (char name = 'a'; name != 'f'; ++name) {
        all.push_back(fork([&order, name]() -> task<> {
            for (int i = 0; i < 3; ++i) {
                order += name;
                co_await coir::yield();
            }
        }));
    }
    for (auto& f : all) {
        co_await f;
    }
    co_return order;
}

struct record {
    std::string order;
    std::uint64_t hash;
    std::uint64_t steps;
    friend bool operator==(record const&, record const&) = default;
};

record record_of(test_scheduler& s) {
    std::string order = s.run(take_turns).value();
    return {order, s.schedule_hash(), s.steps()};
}

record record_of(std::uint64_t seed) {
    test_scheduler s{seed};
    return record_of(s);
}

// Sets a variable of the environment, or removes it, for a while.
class variable {
public:
    variable(char const* name, char const* value) : name_{name} {
        if (char const* before = std::getenv(name)) {
            before_ = before;
        }
        set(value);
    }
    ~variable() { set(before_ ? before_->c_str() : nullptr); }

private:
    void set(char const* value) {
        if (value != nullptr) {
            setenv(name_, value, 1);
        } else {
            unsetenv(name_);
        }
    }
    char const* name_;
    std::optional<std::string> before_;
};

} // namespace

TEST_CASE("without a seed fibers take turns in the order in which they became ready [K4]") {
    test_scheduler s;
    CHECK_FALSE(s.seed().has_value());
    CHECK(record_of(s).order == "abcdeabcdeabcde");
}

TEST_CASE("a seed gives the same schedule every time [K12]") {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        CHECK(record_of(seed) == record_of(seed));
    }
}

TEST_CASE("seeds give different schedules, told apart by their hashes [K12]") {
    std::set<std::string> orders;
    std::set<std::uint64_t> hashes;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        record const r = record_of(seed);
        CHECK(r.order.size() == 15);
        orders.insert(r.order);
        hashes.insert(r.hash);
    }
    CHECK(orders.size() > 190);
    CHECK(hashes.size() >= orders.size());
}

TEST_CASE("every order of the ready fibers occurs, each about as often [K12]") {
    std::map<std::string, int> count;
    for (std::uint64_t seed = 1; seed <= 6000; ++seed) {
        test_scheduler s{seed};
        std::string order;
        for (char name : {'a', 'b', 'c'}) {
            s.start([&order, name]() -> task<> {
                order += name;
                co_return;
            });
        }
        s.run_ready();
        ++count[order];
    }
    CHECK(count.size() == 6);
    for (auto const& [order, times] : count) {
        CAPTURE(order, times);
        CHECK(times > 850); // 1000 expected, deviation 29
        CHECK(times < 1150);
    }
}

TEST_CASE("fibers with equal deadlines run in an order of the seed [K4]") {
    std::set<std::string> orders;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        test_scheduler s{seed};
        std::string order;
        for (char name : {'a', 'b', 'c'}) {
            s.start([&order, name]() -> task<> {
                co_await coir::sleep_for(1h);
                order += name;
            });
        }
        s.advance(1h);
        orders.insert(order);
    }
    CHECK(orders.size() == 6);
}

TEST_CASE("random numbers are a function of the seed and do not disturb the schedule [K12]") {
    auto const draw = [](test_scheduler& s) { return std::vector{s.random(), s.random(), s.random()}; };
    test_scheduler a{5};
    test_scheduler b{5};
    test_scheduler c{6};
    auto const drawn = draw(a);
    CHECK(drawn == draw(b));
    CHECK(drawn != draw(c));
    CHECK(drawn[0] != drawn[1]);
    CHECK(record_of(a) == record_of(5));
}

TEST_CASE("explore counts runs and distinct schedules [K12]") {
    variable const all{"COIR_SEED", nullptr};
    variable const none{"COIR_SEEDS", nullptr};
    int runs = 0;
    auto const many = coir::explore(64, [&](test_scheduler& s) {
        ++runs;
        record_of(s);
    });
    CHECK(runs == 64);
    CHECK(many.runs == 64);
    CHECK(many.distinct > 60);
    auto const one = coir::explore(64, []() -> task<> { co_return; });
    CHECK(one.runs == 64);
    CHECK(one.distinct == 1);
}

TEST_CASE("explore takes tasks with and without the scheduler, and plain functions [K12]") {
    variable const all{"COIR_SEED", nullptr};
    variable const none{"COIR_SEEDS", nullptr};
    std::set<std::uint64_t> seeds;
    coir::explore(3, [&](test_scheduler& s) -> task<> {
        seeds.insert(*s.seed());
        co_return;
    });
    CHECK(seeds == std::set<std::uint64_t>{1, 2, 3});
    CHECK_THROWS_AS(coir::explore(3,
                                  []() -> task<> {
                                      throw std::runtime_error{"body"};
                                      co_return;
                                  }),
                    std::runtime_error);
    CHECK_THROWS_AS(coir::explore(3, []() -> task<void, int> { co_await coir::fail(7); }), coir::bad_outcome);
    CHECK_THROWS_AS(coir::explore(3,
                                  []() -> task<> {
                                      coir::deferred<> never;
                                      co_await never;
                                  }),
                    coir::deadlock_error);
}

TEST_CASE("explore finds a bug of order, and the seed it prints replays it [K12]") {
    variable const none{"COIR_SEEDS", nullptr};
    std::uint64_t failed = 0;
    int runs = 0;
    auto const body = [&](test_scheduler& s) -> task<> {
        ++runs;
        int shared = 0;
        auto const increment = [&]() -> task<> { // reads, lets others run, writes
            int const seen = shared;
            co_await coir::yield();
            shared = seen + 1;
        };
        auto a = fork(increment);
        auto b = fork(increment);
        co_await a;
        co_await b;
        if (shared != 2) {
            failed = *s.seed();
            throw std::logic_error{"an increment was lost"};
        }
    };
    {
        variable const all{"COIR_SEED", nullptr};
        CHECK_THROWS_AS(coir::explore(1000, body), std::logic_error);
    }
    REQUIRE(failed != 0);
    std::uint64_t const found = std::exchange(failed, 0);
    runs = 0;
    {
        variable const only{"COIR_SEED", std::to_string(found).c_str()};
        CHECK_THROWS_AS(coir::explore(1000, body), std::logic_error);
    }
    CHECK(runs == 1);
    CHECK(failed == found);
}

TEST_CASE("the environment sets the number of seeds [K12]") {
    variable const all{"COIR_SEED", nullptr};
    variable const some{"COIR_SEEDS", "5"};
    CHECK(coir::explore(1000, take_turns).runs == 5);
    variable const mistyped{"COIR_SEEDS", "many"};
    CHECK(coir::explore(2, take_turns).runs == 2);
}
