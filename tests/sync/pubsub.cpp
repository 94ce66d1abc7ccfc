#include <coir/interrupt.hpp>
#include <coir/sync/pubsub.hpp>
#include <coir/testing/test_scheduler.hpp>
#include <coir/time.hpp>

#include "support/counted.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace coir;
using coir_test::counted;
using ints = std::vector<int>;

namespace {

template <class Body>
void scenario(Body body) {
    test_scheduler s;
    static_cast<void>(s.run(body).value());
}

task<ints> listen(subscription<int>& s) {
    ints all;
    while (auto n = co_await s.next()) {
        all.push_back(*n);
    }
    co_return all;
}

task<> publish_all(pubsub<int>& p, ints values, std::vector<push_status>& log) {
    for (int n : values) {
        log.push_back(co_await p.publish(n));
    }
}

ints unread(subscription<int>& s) {
    ints all;
    while (auto n = s.try_next()) {
        all.push_back(*n);
    }
    return all;
}

} // namespace

TEST_CASE("without subscribers nothing is stored [Q21]") {
    pubsub<int> p{bounded(1)};
    CHECK(p.try_publish(1));
    CHECK(p.try_publish(2));
    CHECK(p.size() == 0);
    auto s = p.subscribe();
    CHECK(p.subscriber_count() == 1);
    CHECK_FALSE(s.try_next());
    CHECK(p.try_publish(3));
    CHECK(p.size() == 1);
    CHECK(s.size() == 1);
    CHECK(s.try_next() == 3);
    CHECK(p.size() == 0);
}

TEST_CASE("every subscriber gets every value, in order [Q22]") {
    scenario([]() -> task<> {
        pubsub<int> p{bounded(2)};
        auto first = p.subscribe();
        auto second = p.subscribe();
        auto a = fork(listen, std::ref(first));
        auto b = fork(listen, std::ref(second));
        std::vector<push_status> log;
        ints const five{1, 2, 3, 4, 5};
        co_await publish_all(p, five, log);
        CHECK(p.close());
        ints const got_a = co_await a;
        ints const got_b = co_await b;
        CHECK(got_a == ints{1, 2, 3, 4, 5});
        CHECK(got_b == got_a);
        CHECK(log == std::vector<push_status>(5, push_status::accepted));
    });
}

TEST_CASE("a bounded pubsub waits for its slowest subscriber [Q22]") {
    scenario([]() -> task<> {
        pubsub<int> p{bounded(2)};
        auto slow = p.subscribe();
        auto fast = p.subscribe();
        std::vector<push_status> log;
        auto publishing = fork(publish_all, std::ref(p), ints{1, 2, 3, 4}, std::ref(log));
        co_await yield();
        CHECK(log.size() == 2);
        CHECK(p.try_publish(9) == push_status::full);
        CHECK(unread(fast) == ints{1, 2});
        co_await yield();
        CHECK(log.size() == 2);
        CHECK(slow.try_next() == 1);
        co_await yield();
        CHECK(log.size() == 3);
        CHECK(unread(fast) == ints{3});
        slow = p.subscribe(); // the slow one leaves, and with it what it had not read
        co_await publishing;
        CHECK(unread(fast) == ints{4});
        CHECK(unread(slow) == ints{4});
    });
}

TEST_CASE("publishers that wait are admitted in order when the last subscriber leaves [Q22]") {
    scenario([]() -> task<> {
        pubsub<int> p{bounded(1), replay(2)};
        std::vector<push_status> log;
        {
            auto s = p.subscribe();
            for (int n = 1; n <= 3; ++n) {
                fork(publish_all, std::ref(p), ints{n}, std::ref(log));
            }
            co_await yield();
            CHECK(log.size() == 1);
        }
        co_await yield();
        CHECK(log.size() == 3);
        CHECK(p.size() == 0);
        auto late = p.subscribe();
        CHECK(unread(late) == ints{2, 3});
    });
}

TEST_CASE("dropping and sliding never wait for a slow subscriber [Q22]") {
    pubsub<int> keeps_old{dropping(2)};
    pubsub<int> keeps_new{sliding(2)};
    pubsub<int> keeps_all{unbounded()};
    auto old = keeps_old.subscribe();
    auto young = keeps_new.subscribe();
    auto fast = keeps_new.subscribe();
    auto everything = keeps_all.subscribe();
    ints got;
    for (int n = 1; n <= 20; ++n) {
        CHECK(keeps_old.try_publish(n) == (n <= 2 ? push_status::accepted : push_status::dropped));
        CHECK(keeps_new.try_publish(n));
        CHECK(keeps_all.try_publish(n));
        CHECK(fast.try_next() == n);
    }
    CHECK(unread(old) == ints{1, 2});
    CHECK(young.size() == 2);
    CHECK(unread(young) == ints{19, 20});
    CHECK(unread(everything).size() == 20);
}

TEST_CASE("a new subscriber first gets what is replayed [Q23]") {
    scenario([]() -> task<> {
        pubsub<int> p{bounded(1), replay(3)};
        for (int n = 1; n <= 5; ++n) {
            co_await p.publish(n);
        }
        auto s = p.subscribe();
        CHECK(s.size() == 3);
        CHECK(p.size() == 0); // what is replayed does not hold up publishers
        co_await p.publish(6);
        auto later = p.subscribe();
        p.close();
        ints const all = co_await listen(s);
        ints const last = co_await listen(later);
        auto after = p.subscribe();
        ints const none_new = co_await listen(after);
        CHECK(all == ints{3, 4, 5, 6});
        CHECK(last == ints{4, 5, 6});
        CHECK(none_new == last);
    });
}

TEST_CASE("a subscriber that is interrupted has taken nothing, and publishing goes on [Q24]") {
    scenario([]() -> task<> {
        pubsub<int> p{bounded(1)};
        auto leaving = fork([&]() -> task<> {
            auto s = p.subscribe();
            co_await s.next();
        });
        auto staying = p.subscribe();
        auto waiting = fork(listen, std::ref(staying));
        co_await yield();
        CHECK(p.subscriber_count() == 2);
        auto const& end = co_await leaving.interrupt();
        CHECK(end.is_interrupted());
        CHECK(p.subscriber_count() == 1);
        std::vector<push_status> log;
        ints const three{1, 2, 3};
        co_await publish_all(p, three, log);
        auto const& stopped = co_await waiting.interrupt();
        CHECK(stopped.is_interrupted());
        push_status const fourth = co_await p.publish(4);
        CHECK(fourth);
        CHECK(unread(staying) == ints{4});
    });
}

TEST_CASE("an interrupted publish publishes nothing, and its value stays [Q24]") {
    scenario([]() -> task<> {
        pubsub<std::string> p{bounded(1)};
        auto s = p.subscribe();
        CHECK(p.try_publish("first"));
        std::string text(50, 'x');
        auto in_time = co_await timeout(p.publish(std::move(text)), std::chrono::seconds{1});
        CHECK_FALSE(in_time);
        CHECK(text == std::string(50, 'x'));
        CHECK(p.try_publish(std::move(text)) == push_status::full);
        CHECK(text == std::string(50, 'x'));
        CHECK(s.try_next() == "first");
        CHECK(s.size() == 0);
    });
}

TEST_CASE("several fibers share a subscription, first come, first served [Q24]") {
    scenario([]() -> task<> {
        pubsub<int> p{bounded(4)};
        auto s = p.subscribe();
        ints order;
        auto read_one = [&](int name) -> task<> {
            auto const n = co_await s.next();
            order.push_back(name * 10 + n.value_or(9));
        };
        for (int name = 1; name <= 3; ++name) {
            fork(read_one, name);
        }
        co_await yield();
        CHECK(p.try_publish(1));
        CHECK(p.try_publish(2));
        p.close();
        co_await yield();
        CHECK(order == ints{11, 22, 39});
    });
}

TEST_CASE("close delivers what is unread and what waits, then subscribers end [Q25]") {
    scenario([]() -> task<> {
        pubsub<int> p{bounded(1)};
        auto s = p.subscribe();
        std::vector<push_status> log;
        auto publishing = fork(publish_all, std::ref(p), ints{1, 2, 3}, std::ref(log));
        co_await yield();
        p.close();
        CHECK_FALSE(p.close());
        CHECK(p.is_closed());
        ints const all = co_await listen(s);
        co_await publishing;
        CHECK(all == ints{1, 2});
        using st = push_status;
        CHECK(log == std::vector<st>{st::accepted, st::accepted, st::closed});
    });
}

TEST_CASE("shutdown ends subscribers and publishers at once [Q25]") {
    scenario([]() -> task<> {
        auto p = std::make_unique<pubsub<int>>(bounded(1), replay(1));
        auto slow = p->subscribe();
        auto idle = p->subscribe();
        std::vector<push_status> log;
        auto publishing = fork(publish_all, std::ref(*p), ints{1, 2}, std::ref(log));
        co_await yield();
        CHECK(idle.try_next() == 1);
        auto waiting = fork(listen, std::ref(idle));
        co_await yield();
        CHECK(p->shutdown() == 1);
        ints const none = co_await waiting;
        ints const unheard = co_await listen(slow);
        co_await publishing;
        CHECK(none.empty());
        CHECK(unheard.empty());
        CHECK(log.back() == push_status::closed);
        CHECK(p->try_publish(3) == push_status::closed);
        auto late = p->subscribe();
        p.reset(); // subscriptions outlive it
        CHECK_FALSE(late.try_next());
        CHECK(slow.size() == 0);
    });
}

TEST_CASE("the destructors of pubsub and subscription end who waits [Q25]") {
    scenario([]() -> task<> {
        auto p = std::make_unique<pubsub<int>>(bounded(1));
        auto first = std::make_unique<subscription<int>>(p->subscribe());
        auto second = p->subscribe();
        auto a = fork(listen, std::ref(*first));
        auto b = fork(listen, std::ref(second));
        co_await yield();
        first.reset();
        ints const got_a = co_await a;
        CHECK(b.poll() == nullptr);
        p.reset();
        ints const got_b = co_await b;
        CHECK((got_a.empty() && got_b.empty()));
    });
}

TEST_CASE("values are allocated once, copied for all but the last reader, destroyed once [Q20]") {
    counted::reset();
    {
        pubsub<counted> p{sliding(2), replay(1)};
        auto s = p.subscribe();
        for (int n = 0; n < 4; ++n) {
            CHECK(p.try_publish(counted{n}));
        }
        CHECK(counted::alive() == 2);
        CHECK(counted::copies() == 0);
        CHECK(s.try_next()->value == 2); // nobody else has it: moved out
        CHECK(counted::copies() == 0);
        CHECK(s.try_next()->value == 3); // it may be replayed: copied
        CHECK(counted::copies() == 1);
        CHECK(counted::alive() == 1);
    }
    CHECK(counted::alive() == 0);
}

TEST_CASE("a pubsub has a capacity of one or more") {
    CHECK_THROWS_AS(pubsub<int>{bounded(0)}, std::invalid_argument);
    CHECK_THROWS_AS(replay(-1), std::invalid_argument);
}
