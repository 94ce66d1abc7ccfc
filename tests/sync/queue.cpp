#include <coir/interrupt.hpp>
#include <coir/sync/queue.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace coir;
using coir_test::counted;
using ints = std::vector<int>;

namespace {

// Runs a scenario; a lost wake-up is a deadlock_error, a failed assertion is rethrown.
template <class Body>
void scenario(Body body) {
    test_scheduler s;
    static_cast<void>(s.run(body).value());
}

task<> push_one(queue<int>& q, int n, std::vector<push_status>& log) { log.push_back(co_await q.push(n)); }

task<> pop_one(queue<int>& q, std::vector<std::optional<int>>& log) { log.push_back(co_await q.pop()); }

task<> pop_named(queue<int>& q, int name, ints& order) {
    auto const got = co_await q.pop();
    if (got) {
        order.push_back(name);
    }
}

task<ints> drain(queue<int>& q) {
    ints all;
    while (auto n = co_await q.pop()) {
        all.push_back(*n);
    }
    co_return all;
}

} // namespace

TEST_CASE("a push into a full queue waits for a pop, in order [Q1]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(2)};
        std::vector<push_status> log;
        for (int n = 1; n <= 4; ++n) {
            fork(push_one, std::ref(q), n, std::ref(log));
        }
        co_await yield();
        CHECK(log.size() == 2);
        CHECK(q.size() == 2);

        auto first = co_await q.pop();
        co_await yield();
        CHECK(first == 1);
        CHECK(log.size() == 3);
        q.close();
        ints const rest = co_await drain(q);
        CHECK(rest == ints{2, 3, 4});
        co_await yield();
        CHECK(log == std::vector<push_status>(4, push_status::accepted));
    });
}

TEST_CASE("an interrupted push leaves nothing behind [Q2]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(1)};
        std::vector<push_status> log;
        co_await q.push(1);
        auto second = fork(push_one, std::ref(q), 2, std::ref(log));
        auto third = fork(push_one, std::ref(q), 3, std::ref(log));
        co_await yield();
        auto const& end = co_await second.interrupt();
        CHECK(end.is_interrupted());
        q.close();
        ints const all = co_await drain(q);
        CHECK(all == ints{1, 3});
        co_await third;
        CHECK(log.size() == 1);
    });
}

TEST_CASE("push_all waits in the middle, and interrupted keeps what was accepted [Q3]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(2)};
        ints const many{1, 2, 3, 4, 5};
        auto pushing = fork([&]() -> task<std::size_t> { co_return co_await q.push_all(many); });
        co_await yield();
        auto first = co_await q.pop();
        CHECK(first == 1);
        co_await pushing.interrupt();
        q.close();
        ints const all = co_await drain(q);
        CHECK(all == ints{2, 3});
    });
}

TEST_CASE("push_all counts what was accepted, and moves out of a container that is its own [Q3]") {
    scenario([]() -> task<> {
        queue<std::unique_ptr<int>> q{dropping(2)};
        std::vector<std::unique_ptr<int>> many;
        for (int n = 0; n < 3; ++n) {
            many.push_back(std::make_unique<int>(n));
        }
        std::size_t const accepted = co_await q.push_all(std::move(many));
        CHECK(accepted == 2);
        q.close();
        std::size_t const late = co_await q.push_all(std::vector<std::unique_ptr<int>>(2));
        CHECK(late == 0);
        auto first = co_await q.pop();
        CHECK(**first == 0);
    });
}

TEST_CASE("a full dropping queue keeps what it has, a sliding one the newest [Q4]") {
    scenario([]() -> task<> {
        queue<int> keeps_old{dropping(2)};
        queue<int> keeps_new{sliding(2)};
        std::vector<push_status> dropped;
        std::vector<push_status> slid;
        for (int n = 1; n <= 3; ++n) {
            co_await push_one(keeps_old, n, dropped);
            co_await push_one(keeps_new, n, slid);
        }
        using s = push_status;
        CHECK(dropped == std::vector<s>{s::accepted, s::accepted, s::dropped});
        CHECK(slid == std::vector<s>(3, s::accepted));
        ints const old = co_await keeps_old.pop_all();
        ints const young = co_await keeps_new.pop_all();
        CHECK(old == ints{1, 2});
        CHECK(young == ints{2, 3});
    });
}

TEST_CASE("waiting pops are served in the order in which they came [Q5]") {
    scenario([]() -> task<> {
        queue<int> q{unbounded()};
        ints order;
        for (int name = 0; name < 4; ++name) {
            fork(pop_named, std::ref(q), name, std::ref(order));
        }
        co_await yield();
        co_await q.push_all(std::array{7, 7, 7, 7});
        co_await yield();
        CHECK(order == ints{0, 1, 2, 3});
    });
}

TEST_CASE("what an interrupted pop waited for goes to the next [Q6]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(1)};
        ints order;
        auto first = fork(pop_named, std::ref(q), 0, std::ref(order));
        auto second = fork(pop_named, std::ref(q), 1, std::ref(order));
        co_await yield();
        co_await first.interrupt();
        co_await q.push(7);
        co_await second;
        CHECK(order == ints{1});
        CHECK(q.size() == 0);
    });
}

TEST_CASE("an interrupted operation does not begin, even where it need not wait [Q6]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(2)};
        co_await q.push(1);
        auto popping = fork([&]() -> task<> {
            co_await uninterruptible(yield());
            co_await q.pop();
        });
        auto pushing = fork([&]() -> task<> {
            co_await uninterruptible(yield());
            co_await q.push(2);
        });
        co_await yield();
        popping.request_interrupt();
        pushing.request_interrupt();
        co_await popping.await();
        co_await pushing.await();
        ints const all = co_await q.pop_all();
        CHECK(all == ints{1});
    });
}

TEST_CASE("close delivers what is inside and what waits, then pops end [Q10]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(2)};
        std::vector<push_status> log;
        for (int n = 1; n <= 4; ++n) {
            fork(push_one, std::ref(q), n, std::ref(log));
        }
        co_await yield();
        CHECK(q.close());
        CHECK_FALSE(q.close());
        CHECK(q.is_closed());
        push_status const late = co_await q.push(5);
        CHECK(late == push_status::closed);
        CHECK(q.try_push(5) == push_status::closed);
        ints const all = co_await drain(q);
        CHECK(all == ints{1, 2, 3, 4});
        co_await yield();
        CHECK(log == std::vector<push_status>(4, push_status::accepted));
    });
}

TEST_CASE("fail delivers what is inside, then every pop fails [Q11]") {
    scenario([]() -> task<> {
        queue<int, std::string> q{bounded(1)};
        co_await q.push(1);
        auto waiting = fork([&]() -> task<push_status> { co_return co_await q.push(2); });
        co_await yield();
        CHECK(q.fail("broken"));
        CHECK_FALSE(q.fail("again"));
        CHECK_FALSE(q.close());
        push_status const late = co_await q.push(3);
        CHECK(late == push_status::closed);

        auto popping = [&]() -> task<int, std::string> {
            int sum = 0;
            while (auto n = co_await q.pop()) {
                sum += *n;
                CHECK(sum <= 3);
            }
            co_return sum;
        };
        for (int i = 0; i < 2; ++i) {
            auto popper = fork(popping);
            auto const& end = co_await popper.await();
            REQUIRE(end.is_failure());
            CHECK(end.error() == "broken");
        }
        auto many = fork([&]() -> task<std::size_t, std::string> { co_return (co_await q.pop_up_to(3)).size(); });
        auto const& end = co_await many.await();
        CHECK(end.is_failure());
        CHECK_FALSE(q.try_pop());
        push_status const second = co_await waiting;
        CHECK(second == push_status::accepted);
    });
}

TEST_CASE("a failing queue wakes who waits, and the failure outlives the queue [Q11]") {
    scenario([]() -> task<> {
        auto q = std::make_unique<queue<int, std::string>>(bounded(1));
        auto popping = fork([&]() -> task<bool, std::string> { co_return (co_await q->pop()).has_value(); });
        co_await yield();
        q->fail("broken");
        q.reset();
        auto const& end = co_await popping.await();
        CHECK(end.error() == "broken");
    });
}

TEST_CASE("shutdown drops and counts what is inside and ends everybody [Q12]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(2)};
        std::vector<push_status> pushes;
        for (int n = 0; n < 3; ++n) {
            fork(push_one, std::ref(q), n, std::ref(pushes));
        }
        co_await yield();
        CHECK(q.shutdown() == 2);
        CHECK(q.shutdown() == 0);
        co_await yield();
        CHECK(pushes.back() == push_status::closed);

        queue<int> empty{bounded(2)};
        std::vector<std::optional<int>> pops;
        auto popping = fork(pop_one, std::ref(empty), std::ref(pops));
        co_await yield();
        empty.shutdown();
        co_await popping;
        CHECK(pops == std::vector<std::optional<int>>{std::nullopt});
    });
}

TEST_CASE("the destructor ends who waits [Q12]") {
    scenario([]() -> task<> {
        std::vector<push_status> pushes;
        std::vector<std::optional<int>> pops;
        auto full = std::make_unique<queue<int>>(bounded(1));
        auto empty = std::make_unique<queue<int>>(bounded(1));
        co_await full->push(1);
        fork(push_one, std::ref(*full), 2, std::ref(pushes));
        fork(pop_one, std::ref(*empty), std::ref(pops));
        co_await yield();
        full.reset();
        empty.reset();
        co_await yield();
        CHECK(pushes == std::vector<push_status>{push_status::closed});
        CHECK(pops == std::vector<std::optional<int>>{std::nullopt});
    });
}

TEST_CASE("who was served may find the queue gone [Q12]") {
    scenario([]() -> task<> {
        auto q = std::make_unique<queue<int>>(bounded(1));
        std::vector<std::optional<int>> pops;
        auto popping = fork(pop_one, std::ref(*q), std::ref(pops));
        co_await yield();
        CHECK(q->try_push(7));
        q.reset();
        co_await popping;
        CHECK(pops == std::vector<std::optional<int>>{7});
    });
}

TEST_CASE("close wakes all pops that wait at an empty queue [Q13]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(1)};
        std::vector<std::optional<int>> pops;
        std::array<fiber<>, 3> all;
        for (auto& f : all) {
            f = fork(pop_one, std::ref(q), std::ref(pops));
        }
        auto several = fork([&]() -> task<ints> { co_return co_await q.pop_between(2, 3); });
        co_await yield();
        q.close();
        for (auto& f : all) {
            co_await f;
        }
        ints const none = co_await several;
        CHECK(none.empty());
        CHECK(pops == std::vector<std::optional<int>>(3));
    });
}

TEST_CASE("a push to a rendezvous ends with the pop that takes its element [Q14]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(0)};
        std::vector<push_status> pushes;
        std::vector<std::optional<int>> pops;
        CHECK(q.try_push(1) == push_status::full);
        CHECK_FALSE(q.try_pop());

        auto pushing = fork(push_one, std::ref(q), 2, std::ref(pushes));
        co_await yield();
        CHECK(pushes.empty());
        CHECK(q.size() == 0);
        auto two = co_await q.pop();
        co_await pushing;
        CHECK(two == 2);

        auto popping = fork(pop_one, std::ref(q), std::ref(pops));
        co_await yield();
        CHECK(q.try_push(3));
        co_await popping;
        CHECK(pops == std::vector<std::optional<int>>{3});

        fork(push_one, std::ref(q), 4, std::ref(pushes));
        fork(push_one, std::ref(q), 5, std::ref(pushes));
        co_await yield();
        auto four = q.try_pop();
        CHECK(four == 4);
        ints const five = co_await q.pop_all();
        CHECK(five == ints{5});
        co_await yield();
        CHECK(pushes == std::vector<push_status>(3, push_status::accepted));
    });
}

TEST_CASE("batches with odd sizes are empty, and do not wait [Q15]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(4)};
        ints const nothing = co_await q.pop_all();
        ints const nothing_up_to = co_await q.pop_up_to(3);
        CHECK(nothing.empty());
        CHECK(nothing_up_to.empty());

        co_await q.push_all(std::array{1, 2, 3});
        std::size_t taken = 0;
        taken += (co_await q.pop_up_to(0)).size();
        taken += (co_await q.pop_up_to(-1)).size();
        taken += (co_await q.pop_between(3, 1)).size();
        taken += (co_await q.pop_between(2, -1)).size();
        taken += (co_await q.pop_between(-2, 0)).size();
        CHECK(taken == 0);
        ints const two = co_await q.pop_up_to(2);
        CHECK(two == ints{1, 2});
        ints const rest = co_await q.pop_up_to((std::numeric_limits<std::size_t>::max)());
        CHECK(rest == ints{3});
    });
}

TEST_CASE("pop_between waits for its least, makes room for it, and takes less only at the end [Q15]") {
    scenario([]() -> task<> {
        for (int capacity : {0, 2}) {
            queue<int> q{bounded(capacity)};
            auto taking = fork([&]() -> task<ints> { co_return co_await q.pop_between(5, 9); });
            ints const six_of_them{1, 2, 3, 4, 5, 6};
            auto pushing = fork([&]() -> task<std::size_t> { co_return co_await q.push_all(six_of_them); });
            ints const five = co_await taking;
            CHECK(five == ints{1, 2, 3, 4, 5});
            auto six = co_await q.pop();
            CHECK(six == 6);
            co_await pushing;

            auto last = fork([&]() -> task<ints> { co_return co_await q.pop_between(5, 9); });
            co_await yield();
            co_await q.push(7);
            q.close();
            ints const seven = co_await last;
            CHECK(seven == ints{7});
        }
    });
}

TEST_CASE("a batch that is given up leaves its elements to those behind it [Q15]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(1)};
        ints order;
        auto batch = fork([&]() -> task<ints> { co_return co_await q.pop_between(3, 3); });
        auto one = fork(pop_named, std::ref(q), 1, std::ref(order));
        co_await yield();
        co_await q.push_all(std::array{7, 8});
        co_await yield();
        CHECK(order.empty());
        CHECK_FALSE(q.try_pop());
        co_await batch.interrupt();
        co_await one;
        CHECK(order == ints{1});
        CHECK(q.size() == 1);
    });
}

TEST_CASE("a batch too large for memory is a defect [Q15]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(1)};
        bool thrown = false;
        try {
            co_await q.pop_between((std::numeric_limits<std::size_t>::max)(),
                                   (std::numeric_limits<std::size_t>::max)());
        } catch (std::length_error const&) {
            thrown = true;
        }
        CHECK(thrown);
        CHECK(q.try_push(1));
    });
}

TEST_CASE("try_pop and peek do not wait, and peek takes nothing [Q16]") {
    queue<int> q{bounded(2)};
    CHECK_FALSE(q.try_pop());
    CHECK_FALSE(q.peek());
    CHECK(q.try_push(1));
    CHECK(q.peek() == 1);
    CHECK(q.size() == 1);
    CHECK(q.try_pop() == 1);
    CHECK(q.size() == 0);
}

TEST_CASE("zero, false, empty and null are ordinary elements [Q17]") {
    scenario([]() -> task<> {
        queue<int> numbers{bounded(1)};
        queue<bool> flags{bounded(2)};
        queue<std::unique_ptr<int>> pointers{bounded(1)};
        queue<std::optional<int>> optionals{bounded(1)};
        co_await numbers.push(0);
        co_await flags.push_all(std::array{false, true});
        co_await pointers.push(nullptr);
        co_await optionals.push(std::nullopt);
        auto zero = co_await numbers.pop();
        std::vector<bool> const both = co_await flags.pop_between(2, 2);
        auto null = co_await pointers.pop();
        auto nothing = co_await optionals.pop();
        CHECK(zero == 0);
        CHECK(both == std::vector<bool>{false, true});
        REQUIRE(null.has_value());
        CHECK(*null == nullptr);
        REQUIRE(nothing.has_value());
        CHECK_FALSE(nothing->has_value());
    });
}

TEST_CASE("drained waits until it is closed, empty, and no push waits [Q19]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(1)};
        std::vector<push_status> log;
        co_await q.push(1);
        fork(push_one, std::ref(q), 2, std::ref(log));
        auto given_up = fork(push_one, std::ref(q), 3, std::ref(log));
        auto waiting = fork([&]() -> task<> { co_await q.drained(); });
        auto leaving = fork([&]() -> task<> { co_await q.drained(); });
        co_await yield();
        q.close();
        co_await leaving.interrupt();
        auto first = q.try_pop();
        auto second = q.try_pop();
        co_await yield();
        CHECK(first == 1);
        CHECK(second == 2);
        CHECK(waiting.poll() == nullptr); // the third push waits no more, but its element is inside
        auto third = q.try_pop();
        CHECK(third == 3);
        co_await waiting;
        co_await q.drained();
        co_await given_up;
    });
}

TEST_CASE("the interruption of the last push that waits drains a closed queue [Q19]") {
    scenario([]() -> task<> {
        queue<int> q{bounded(0)};
        std::vector<push_status> log;
        auto pushing = fork(push_one, std::ref(q), 1, std::ref(log));
        co_await yield();
        q.close();
        auto waiting = fork([&]() -> task<> { co_await q.drained(); });
        co_await yield();
        CHECK(waiting.poll() == nullptr);
        co_await pushing.interrupt();
        co_await waiting;
        CHECK(log.empty());
    });
}

TEST_CASE("elements are destroyed exactly once, however they leave [Q20]") {
    counted::reset();
    scenario([]() -> task<> {
        queue<counted> slides{sliding(2)};
        queue<counted> shut{bounded(2)};
        queue<counted> destroyed{unbounded()};
        for (int n = 0; n < 5; ++n) {
            co_await slides.emplace(n);
            co_await destroyed.emplace(n);
        }
        co_await shut.emplace(1);
        co_await shut.emplace(2);
        auto waits = fork([&]() -> task<> { co_await shut.emplace(3); });
        auto cancelled = fork([&]() -> task<> { co_await shut.emplace(4); });
        co_await yield();
        co_await cancelled.interrupt();
        CHECK(counted::alive() == 2 + 5 + 2 + 2); // who waits has it, and what that was moved from
        CHECK(shut.shutdown() == 2);
        co_await waits;
        CHECK(counted::alive() == 2 + 5);
        auto const taken = co_await slides.pop_all();
        CHECK(taken[0] == counted{3});
    });
    CHECK(counted::alive() == 0);
    CHECK(counted::copies() == 0);
}

TEST_CASE("what is not accepted is not moved from [Q20]") {
    scenario([]() -> task<> {
        queue<std::unique_ptr<int>> q{bounded(1)};
        auto first = std::make_unique<int>(1);
        auto second = std::make_unique<int>(2);
        CHECK(q.try_push(std::move(first)));
        CHECK(first == nullptr);
        CHECK(q.try_push(std::move(second)) == push_status::full);
        CHECK(second != nullptr);

        auto in_time = co_await timeout(q.push(std::move(second)), std::chrono::seconds{1});
        CHECK_FALSE(in_time.has_value());
        CHECK(second != nullptr);

        auto waiting = fork([&]() -> task<push_status> { co_return co_await q.push(std::move(second)); });
        co_await yield();
        q.shutdown();
        push_status const end = co_await waiting;
        CHECK(end == push_status::closed);
        CHECK(second != nullptr);
    });
}

TEST_CASE("a sliding queue goes back to its capacity when a pop that wanted more has given up [Q4]") {
    queue<int> q{sliding(1)};
    test_scheduler s;
    auto const run = [&]() -> task<> {
        auto const wants_five = [&]() -> task<> { co_await timeout(q.pop_between(5, 5), std::chrono::seconds{1}); };
        auto const pops = fork(wants_five);
        co_await yield();
        for (int i = 1; i <= 4; ++i) {
            CHECK(q.try_push(i) == push_status::accepted);
        }
        co_await pops;
    };
    CHECK(s.run(run).is_success());
    CHECK(q.size() == 4); // nothing is dropped but by a push
    CHECK(q.try_push(5) == push_status::accepted);
    CHECK(q.size() == 1);
    CHECK(q.try_pop() == 5);
}

TEST_CASE("a queue that drops the oldest holds at least one") {
    CHECK_THROWS_AS(sliding(0), std::invalid_argument);
    CHECK_THROWS_AS((queue_capacity{queue_capacity::overflow::drops_oldest, 0}), std::invalid_argument);
}

namespace {

struct parcel { // an aggregate that GCC 12 would destroy twice
    std::string text;
    counted weight;
};

} // namespace

TEST_CASE("aggregates go in by emplace, by moved, or as a copy [Q20]") {
    counted::reset();
    scenario([]() -> task<> {
        queue<parcel> q{unbounded()};
        parcel a{std::string(50, 'a'), counted{1}};
        co_await q.push(a);
        co_await q.push(moved(a));
        co_await q.emplace(std::string(50, 'b'), counted{2});
        auto all = co_await q.pop_all();
        CHECK(all.size() == 3);
        CHECK(all[1].text == std::string(50, 'a'));
        CHECK(a.text.empty());
    });
    CHECK(counted::alive() == 0);
}

TEST_CASE("a push_status is a condition, a value and a case") {
    auto name = [](push_status s) -> std::string {
        switch (s) {
        case push_status::accepted: return "accepted";
        case push_status::dropped: return "dropped";
        case push_status::full: return "full";
        case push_status::closed: return "closed";
        }
        return "";
    };
    CHECK(push_status::accepted);
    CHECK_FALSE(push_status::dropped);
    CHECK(name(push_status::full) == "full");
    CHECK(push_status::closed != push_status::full);
}

TEST_CASE("capacities that make no sense are refused") {
    CHECK_THROWS_AS(bounded(-1), std::invalid_argument);
    CHECK_THROWS_AS(dropping(-1), std::invalid_argument);
    CHECK_THROWS_AS(sliding(0), std::invalid_argument);
}

TEST_CASE("dropping(0) takes only what somebody waits for [Q4]") {
    scenario([]() -> task<> {
        queue<int> q{dropping(0)};
        std::vector<std::optional<int>> pops;
        CHECK(q.try_push(1) == push_status::dropped);
        auto popping = fork(pop_one, std::ref(q), std::ref(pops));
        co_await yield();
        CHECK(q.try_push(2));
        CHECK(q.try_push(3) == push_status::dropped);
        co_await popping;
        CHECK(pops == std::vector<std::optional<int>>{2});
    });
}
