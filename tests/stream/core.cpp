// Sources, fused stages and sinks: what passes, how a stream ends, and that it closes once.
#include "endings.hpp"

#include "support/counted.hpp"

#include <coir/combine.hpp>
#include <coir/sync/pubsub.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <ranges>
#include <span>
#include <sstream>

using namespace stream_test;
using coir_test::counted;

namespace {

stream<int, err> generated(how ending, entries& log) {
    auto const close = finalizer(log, "source");
    auto work = [](how h) -> task<int, err> { co_return co_await third(h); };
    co_yield 1;
    co_yield 2;
    int const n = co_await coir::ensuring(work(ending), close);
    co_yield std::move(const_cast<int&>(n));
}

stream<int, err> erased(how ending, entries& log) { return fused(ending, log); }

} // namespace

TEST_CASE("all elements arrive in order, then the end, once [S1]") {
    test_scheduler s;
    auto const end =
        s.run([]() -> task<numbers> { co_return co_await (streams::from(one_to(3)) | streams::to_vector()); });
    CHECK(end.value() == numbers{1, 2, 3});
}

TEST_CASE("stages are applied in the order in which they are written [S1]") {
    test_scheduler s;
    auto const end = s.run([]() -> task<int> {
        co_return co_await (streams::from(std::views::iota(1, 100)) |
                            streams::filter([](int x) { return x % 2 == 0; }) |
                            streams::transform([](int x) { return x * 10; }) | streams::take(3) |
                            streams::fold(0, [](int a, int b) { return a + b; }));
    });
    CHECK(end.value() == 120);
}

TEST_CASE("take pulls upstream no more often than it gives, and then closes it [S2]") {
    test_scheduler s;
    int pulls = 0;
    int closes = 0;
    auto const end = s.run([&]() -> task<numbers> {
        co_return co_await (watched{&pulls, &closes} | streams::take(3) | streams::to_vector());
    });
    CHECK(end.value() == numbers{1, 2, 3});
    CHECK(pulls == 3);
    CHECK(closes == 1);
}

TEST_CASE("take of nothing never pulls [S3]") {
    test_scheduler s;
    int pulls = 0;
    int closes = 0;
    entries log;
    auto const end = s.run([&]() -> task<numbers> {
        co_return co_await (watched{&pulls, &closes} | streams::ensuring(finalizer(log)) | streams::take(0) |
                            streams::to_vector());
    });
    CHECK(end.value().empty());
    CHECK(pulls == 0);
    CHECK(log.empty()); // what was never pulled has nothing to close
}

TEST_CASE("what precedes a failure is delivered [S7]") {
    test_scheduler s;
    numbers seen;
    entries log;
    auto const end = s.run([&]() -> task<void, err> {
        co_await (fused(how::failure, log) | streams::for_each([&seen](int n) { seen.push_back(n); }));
    });
    CHECK(end.error() == err{3});
    CHECK(seen == numbers{1, 2});
}

TEST_CASE("however a stream ends, its finalizers run once, inner ones first, before the end is seen [S10][S12]") {
    auto const ending = GENERATE(from_range(std::begin(all_endings), std::end(all_endings)));
    INFO("ending " << static_cast<int>(ending));
    test_scheduler s;
    entries log;
    entries expected{"1", "2"};
    if (ending == how::end) {
        expected.push_back("3");
    }
    auto const closing = entries{"source begins", "source ends", "outer begins", "outer ends", "seen"};
    SECTION("fused") {
        s.run([&]() -> task<> { co_await run_to_its_end(fused(ending, log), ending, log); });
        expected.insert(expected.end(), closing.begin(), closing.end());
        CHECK(log == expected);
    }
    SECTION("erased") {
        s.run([&]() -> task<> { co_await run_to_its_end(erased(ending, log), ending, log); });
        expected.insert(expected.end(), closing.begin(), closing.end());
        CHECK(log == expected);
    }
    SECTION("a generator, whose own finalizer belongs to one await of it") {
        s.run([&]() -> task<> { co_await run_to_its_end(generated(ending, log), ending, log); });
        if (ending == how::end) {
            expected.insert(expected.begin() + 2, {"source begins", "source ends"});
            expected.insert(expected.end(), closing.begin() + 2, closing.end());
        } else if (ending == how::stopped_early) {
            expected.insert(expected.end(), closing.begin() + 2, closing.end());
        } else {
            expected.insert(expected.end(), closing.begin(), closing.end());
        }
        CHECK(log == expected);
    }
}

TEST_CASE("closing is masked: an interruption meanwhile does not reach the finalizer [S10][I17]") {
    test_scheduler s;
    entries log;
    auto close = [&log]() -> task<> {
        co_await sleep_for(10ms);
        log.push_back("closed");
    };
    auto const end = s.run([&]() -> task<> {
        auto drain = [&]() -> task<> {
            co_await (counting(3) | streams::ensuring(close) | streams::drain());
            log.push_back("not reached");
            co_await coir::checkpoint();
            log.push_back("nor this");
        };
        auto const f = fork(drain);
        co_await sleep_for(5ms);
        auto const& e = co_await f.interrupt();
        CHECK(e.is_interrupted());
        CHECK(log == entries{"closed", "not reached"});
    });
    CHECK(end.is_success());
}

TEST_CASE("a finalizer that throws makes a success a defect, and hides no other end [I12][S12]") {
    test_scheduler s;
    auto close = throwing_finalizer("finalizer");
    SECTION("success") {
        auto const end = s.run([&]() -> task<> {
            co_await (counting(3) | streams::ensuring(close) | streams::transform([](int x) { return x; }) |
                      streams::drain());
        });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "finalizer");
    }
    SECTION("a failure of upstream") {
        entries log;
        auto const end = s.run([&]() -> task<void, err> {
            co_await (fused(how::failure, log) | streams::ensuring(close) | streams::drain());
        });
        CHECK(end.error() == err{3});
        REQUIRE(end.suppressed().size() == 1);
        CHECK(message_of(end.suppressed()[0]) == "finalizer");
    }
    SECTION("a failure of a stage below") {
        auto fails = [](int) -> task<int, err> { co_return coir::fail<err>(4); };
        auto const end = s.run([&]() -> task<void, err> {
            co_await (counting(3) | streams::ensuring(close) | streams::transform(fails) | streams::drain());
        });
        CHECK(end.error() == err{4});
        REQUIRE(end.suppressed().size() == 1);
        CHECK(message_of(end.suppressed()[0]) == "finalizer");
    }
    SECTION("a defect of upstream stays the first cause") {
        entries log;
        auto const end = s.run([&]() -> task<void, err> {
            co_await (generated(how::defect, log) | streams::ensuring(close) | streams::drain());
        });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "third");
        REQUIRE(end.suppressed().size() == 1);
        CHECK(message_of(end.suppressed()[0]) == "finalizer");
    }
    SECTION("a defect of a stage below stays the first cause") {
        auto throws = [](int) -> task<int> {
            throw std::runtime_error{"stage"};
            co_return 0;
        };
        auto const end = s.run([&]() -> task<> {
            co_await (counting(3) | streams::ensuring(close) | streams::transform(throws) | streams::drain());
        });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "stage");
        REQUIRE(end.suppressed().size() == 1);
        CHECK(message_of(end.suppressed()[0]) == "finalizer");
    }
    SECTION("a defect of the sink stays the first cause") {
        auto const end = s.run([&]() -> task<> {
            co_await (counting(3) | streams::ensuring(close) |
                      streams::for_each([](int) { throw std::runtime_error{"sink"}; }));
        });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "sink");
        CHECK(end.suppressed().size() == 1);
    }
    SECTION("two finalizers, the upper one first") {
        auto second = throwing_finalizer("second");
        auto const end = s.run([&]() -> task<> {
            co_await (counting(3) | streams::ensuring(close) | streams::ensuring(second) | streams::drain());
        });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "finalizer");
        REQUIRE(end.suppressed().size() == 1);
        CHECK(message_of(end.suppressed()[0]) == "second");
    }
}

TEST_CASE("what a function throws is a defect, and the stream is closed [S10]") {
    test_scheduler s;
    entries log;
    auto close = finalizer(log);
    auto boom = [](int x) -> int { return x < 2 ? x : throw std::runtime_error{"boom"}; };
    auto boom_task = [](int x) -> task<int> {
        co_await coir::yield();
        co_return x < 2 ? x : throw std::runtime_error{"boom"};
    };
    auto const source = [&] { return counting(5) | streams::ensuring(close); };
    auto const check = [&](auto work) {
        auto const end = s.run(work);
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "boom");
        CHECK(end.suppressed().empty());
        CHECK(log == entries{"finalizer begins", "finalizer ends"});
    };
    SECTION("transform") {
        check([&]() -> task<> { co_await (source() | streams::transform(boom) | streams::drain()); });
    }
    SECTION("transform with a task") {
        check([&]() -> task<> { co_await (source() | streams::transform(boom_task) | streams::drain()); });
    }
    SECTION("a function that throws instead of returning a task") {
        auto f = [](int) -> task<int> (*)() { throw std::runtime_error{"boom"}; };
        check([&]() -> task<> {
            co_await (source() | streams::transform([f](int x) { return f(x)(); }) | streams::drain());
        });
    }
    SECTION("filter") {
        check([&]() -> task<> {
            co_await (source() | streams::filter([boom](int x) { return boom(x) == 0; }) | streams::drain());
        });
    }
    SECTION("tap") {
        check([&]() -> task<> { co_await (source() | streams::tap(boom) | streams::drain()); });
    }
    SECTION("tap with a task") {
        auto f = [boom_task](int x) -> task<> { co_await boom_task(x); };
        check([&]() -> task<> { co_await (source() | streams::tap(f) | streams::drain()); });
    }
    SECTION("for_each") {
        check([&]() -> task<> { co_await (source() | streams::for_each(boom)); });
    }
    SECTION("for_each with a task") {
        check([&]() -> task<> { co_await (source() | streams::for_each(boom_task)); });
    }
    SECTION("fold") {
        check([&]() -> task<> { co_await (source() | streams::fold(0, [boom](int, int x) { return boom(x); })); });
    }
    SECTION("the range") {
        auto range = std::views::iota(0, 5) | std::views::transform(boom);
        check([&]() -> task<> { co_await (streams::from(range) | streams::ensuring(close) | streams::drain()); });
    }
    SECTION("erased") {
        check([&]() -> task<> {
            stream<long> s2 = source() | streams::transform(boom);
            co_await (std::move(s2) | streams::drain());
        });
    }
}

TEST_CASE("for_each interrupted in its body: the body cleans up, then the stream, then it has ended [S13]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto body = [&log](int) -> task<> {
            leaving const l{log, "body"};
            co_await sleep_for(1h);
        };
        auto close = finalizer(log, "stream");
        auto run = [&]() -> task<> { co_await (counting(3) | streams::ensuring(close) | streams::for_each(body)); };
        auto const f = fork(run);
        co_await sleep_for(5ms);
        auto const& end = co_await f.interrupt();
        log.push_back("seen");
        CHECK(end.is_interrupted());
    });
    CHECK(log == entries{"body", "stream begins", "stream ends", "seen"});
}

TEST_CASE("a failure of a function that is awaited is the stream's [S7]") {
    test_scheduler s;
    auto odd = [](int x) -> task<int, std::string> {
        co_await coir::yield();
        if (x == 3) {
            co_await coir::fail<std::string>("three");
        }
        co_return x;
    };
    entries log;
    using both = coir::errors<err, std::string>;
    auto const end = s.run([&]() -> task<numbers, both> {
        co_return co_await (fused(how::end, log) | streams::transform(odd) | streams::to_vector());
    });
    REQUIRE(end.is_failure());
    CHECK(std::get<std::string>(end.error()) == "three");
    auto const sink = s.run([&]() -> task<void, both> {
        auto f = [odd](int x) -> task<void, std::string> { co_await odd(x); };
        co_await (fused(how::end, log) | streams::for_each(f));
    });
    REQUIRE(sink.is_failure());
    CHECK(std::get<std::string>(sink.error()) == "three");
    auto const tapped = s.run([&]() -> task<numbers, both> {
        auto f = [odd](int x) -> task<void, std::string> { co_await odd(x); };
        co_return co_await (fused(how::end, log) | streams::tap(f) | streams::to_vector());
    });
    REQUIRE(tapped.is_failure());
}

TEST_CASE("from copies from an lvalue and from a view, and keeps an rvalue") {
    test_scheduler s;
    std::vector<std::string> words{"a long enough first word", "a long enough second word"};
    auto const copy = words;
    s.run([&]() -> task<> {
        auto a = co_await (streams::from(words) | streams::to_vector());
        CHECK(a == copy);
        CHECK(words == copy);
        auto b = co_await (streams::from(words | std::views::take(1)) | streams::to_vector());
        CHECK(b.size() == 1);
        CHECK(words == copy);
        auto c = co_await (streams::from(std::span{words}) | streams::to_vector());
        CHECK(c == copy);
        CHECK(words == copy);
        auto d = co_await (streams::from(std::move(words)) | streams::to_vector());
        CHECK(d == copy);
        std::vector<bool> flags{true, false};
        std::vector<bool> e = co_await (streams::from(flags) | streams::to_vector());
        CHECK(e == flags);
    });
}

TEST_CASE("elements that can only be moved go through every stage") {
    test_scheduler s;
    auto make = [](int n) { return std::make_unique<int>(n); };
    auto const end = s.run([&]() -> task<int> {
        auto v = co_await (counting(4) | streams::transform(make) |
                           streams::filter([](std::unique_ptr<int> const& p) { return *p != 1; }) |
                           streams::tap([](std::unique_ptr<int> const& p) { CHECK(p != nullptr); }) | streams::take(2) |
                           streams::to_vector());
        co_return *v[0] + *v[1];
    });
    CHECK(end.value() == 2);
}

TEST_CASE("a fused pipeline copies no element") {
    test_scheduler s;
    counted::reset();
    s.run([&]() -> task<> {
        co_await (streams::from(std::views::iota(0, 10)) | streams::transform([](int n) { return counted{n}; }) |
                  streams::filter([](counted const& c) { return c.value % 2 == 0; }) |
                  streams::tap([](counted const&) {}) | streams::take(3) | streams::drain());
    });
    CHECK(counted::copies() == 0);
    CHECK(counted::alive() == 0);
}

TEST_CASE("a closure of a pipeline is destroyed once, wherever the pipeline ends up [H]") {
    test_scheduler s;
    counted::reset();
    s.run([&]() -> task<> {
        counted const guard{7};
        auto add = [guard](int x) { return x + guard.value; };
        auto keep = [guard](int) { return guard.value == 7; };
        auto close = [guard]() -> task<> { co_return; };
        auto const v = co_await (counting(3) | streams::transform(coir::moved(add)) | streams::filter(keep) |
                                 streams::ensuring(coir::moved(close)) | streams::to_vector());
        CHECK(v == numbers{7, 8, 9});
    });
    CHECK(counted::alive() == 0);
    CHECK(counted::destroyed() == counted::constructed() + counted::copies() + counted::moves());
}

namespace {

struct plain { // an aggregate that GCC 12 would destroy twice if it were made inside the co_await
    counted c;
};

} // namespace

TEST_CASE("aggregates are named and passed with moved, to sources and sinks [H]") {
    test_scheduler s;
    counted::reset();
    s.run([]() -> task<> {
        plain one{counted{1}};
        auto const v = co_await (streams::once(coir::moved(one)) | streams::to_vector());
        CHECK(v.at(0).c.value == 1);
        std::array<plain, 2> two{plain{counted{2}}, plain{counted{3}}};
        auto const w = co_await (streams::from(coir::moved(two)) | streams::to_vector());
        CHECK(w.at(1).c.value == 3);
        plain init{counted{4}};
        auto add = [](plain sum, int x) {
            sum.c.value += x;
            return sum;
        };
        auto const sum = co_await (counting(3) | streams::fold(coir::moved(init), add));
        CHECK(sum.c.value == 7);
    });
    CHECK(counted::copies() == 0);
    CHECK(counted::alive() == 0);
}

TEST_CASE("a pipeline can be moved, kept and erased before it is started") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto p = streams::from(numbers{1, 2, 3}) | streams::ensuring(finalizer(log)) |
                 streams::transform([](int x) -> task<int> { co_return x + 1; });
        auto q = std::move(p);
        stream<long, err> r = std::move(q) | streams::take(2);
        std::vector<stream<long, err>> held;
        held.push_back(std::move(r));
        held.reserve(10);
        auto const v = co_await coir::as_result(std::move(held[0]) | streams::to_vector());
        CHECK(v.value() == std::vector<long>{2, 3});
    });
    CHECK(log == entries{"finalizer begins", "finalizer ends"});
}

TEST_CASE("another pipeline may be assigned to a stream that is not running") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        stream<int> a = counting(3);
        a = streams::from(numbers{7, 8}) | streams::ensuring(finalizer(log)); // a generator that never began is gone
        a = streams::from(numbers{1, 2}) | streams::take(1);
        stream<int> b = counting(2);
        std::swap(a, b);
        auto const of_a = co_await (std::move(a) | streams::to_vector());
        CHECK(of_a == numbers{0, 1});
        auto const of_b = co_await (std::move(b) | streams::to_vector());
        CHECK(of_b == numbers{1});
        a = counting(1); // what was there has been passed on
        auto const n = co_await (std::move(a) | streams::count());
        CHECK(n == 1);
    });
    CHECK(log.empty());
}

TEST_CASE("a list in braces is kept by the stream that is made of it") {
    auto const made = [] { return streams::from({std::string(40, 'a'), std::string(40, 'b')}); };
    test_scheduler s;
    auto const end = s.run([&]() -> task<std::vector<std::string>> {
        auto kept = made(); // the list is gone
        co_return co_await (std::move(kept) | streams::to_vector());
    });
    CHECK(end.value() == std::vector<std::string>{std::string(40, 'a'), std::string(40, 'b')});
}

TEST_CASE("a pipeline that is never started closes nothing") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto p = counting(3) | streams::ensuring(finalizer(log)) | streams::drain();
        static_cast<void>(p);
        co_return;
    });
    CHECK(log.empty());
}

TEST_CASE("all that is in a closed queue arrives, then its end or its failure [S14]") {
    test_scheduler s;
    s.run([]() -> task<> {
        coir::queue<int> q{coir::unbounded()};
        for (int i = 0; i < 3; ++i) {
            static_cast<void>(q.try_push(i));
        }
        q.close();
        auto const drained = co_await (streams::from_queue(q) | streams::to_vector());
        CHECK(drained == numbers{0, 1, 2});

        coir::queue<int, err> failing{coir::unbounded()};
        static_cast<void>(failing.try_push(1));
        failing.fail(err{5});
        numbers seen;
        auto const r = co_await coir::as_result(streams::from_queue(failing) |
                                                streams::for_each([&seen](int n) { seen.push_back(n); }));
        REQUIRE_FALSE(r.has_value());
        CHECK(r.error() == err{5});
        CHECK(seen == numbers{1});
    });
}

TEST_CASE("a queue that is waited for wakes the stream, and an interrupted stream takes nothing [S14]") {
    test_scheduler s;
    s.run([]() -> task<> {
        coir::queue<int> q{coir::bounded(1)};
        numbers seen;
        auto run = [&]() -> task<> {
            co_await (streams::from_queue(q) | streams::for_each([&seen](int n) { seen.push_back(n); }));
        };
        auto const f = fork(run);
        co_await q.push(1);
        co_await sleep_for(1ms);
        CHECK(seen == numbers{1});
        co_await f.interrupt();
        co_await q.push(2);
        CHECK(q.size() == 1);
        CHECK(seen == numbers{1});
    });
}

TEST_CASE("a subscription gives what is published while it lasts, all of it before the end [S14][Q22]") {
    test_scheduler s;
    s.run([]() -> task<> {
        coir::pubsub<int> events{coir::bounded(2)};
        static_cast<void>(events.try_publish(0)); // nobody listens
        auto mine = events.subscribe();
        auto other = events.subscribe();
        auto publish = [&]() -> task<> {
            for (int i = 1; i <= 5; ++i) {
                co_await events.publish(i); // waits for the slowest
            }
            events.close();
        };
        fork(publish);
        auto const all = co_await coir::when_all(streams::from_pubsub(mine) | streams::to_vector(),
                                                 streams::from_pubsub(other) | streams::take(5) | streams::to_vector());
        CHECK(std::get<0>(all) == one_to(5));
        CHECK(std::get<1>(all) == one_to(5));
    });
}

TEST_CASE("a stream of a pubsub subscribes when it begins, and of a temporary subscription keeps it [S14][Q25]") {
    test_scheduler s;
    s.run([]() -> task<> {
        coir::pubsub<int> events{coir::bounded(9)};
        auto early = streams::from_pubsub(events.subscribe()) | streams::to_vector();
        auto late = streams::from_pubsub(events) | streams::to_vector();
        static_cast<void>(events.try_publish(1));
        auto close = [&]() -> task<> {
            co_await sleep_for(1ms);
            static_cast<void>(events.try_publish(2));
            co_await sleep_for(1ms);
            events.close();
        };
        fork(close);
        auto const all = co_await coir::when_all(std::move(early), std::move(late));
        CHECK(std::get<0>(all) == numbers{1, 2});
        CHECK(std::get<1>(all) == numbers{2});
        CHECK(events.subscriber_count() == 0);
    });
}

TEST_CASE("a stream of a subscription that is left or interrupted has taken no more than it gave [S14][Q22]") {
    test_scheduler s;
    s.run([]() -> task<> {
        coir::pubsub<int> events{coir::bounded(9)};
        auto mine = events.subscribe();
        for (int i = 1; i <= 4; ++i) {
            static_cast<void>(events.try_publish(i));
        }
        auto const two = co_await (streams::from_pubsub(mine) | streams::take(2) | streams::to_vector());
        CHECK(two == numbers{1, 2});
        CHECK(mine.size() == 2);
        numbers seen;
        auto run = [&]() -> task<> {
            co_await (streams::from_pubsub(mine) | streams::for_each([&seen](int n) { seen.push_back(n); }));
        };
        auto const f = fork(run);
        co_await sleep_for(1ms); // both taken, and it waits
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
        CHECK(seen == numbers{3, 4});
        static_cast<void>(events.try_publish(5));
        CHECK(mine.size() == 1);
        CHECK(seen.size() == 2);
    });
}

namespace {

// Ends when others get to run before `n` elements have passed: they say stop.
template <class Run>
void check_lets_others_run(Run run) {
    test_scheduler s;
    bool stop = false;
    int passed = 0;
    s.run([&]() -> task<> {
        auto const f = fork(run, std::ref(stop), std::ref(passed));
        co_await coir::yield();
        stop = true;
        co_await f;
    });
    CHECK(passed > 500);
    CHECK(passed < 5'000);
}
constexpr int many = 200'000;

} // namespace

TEST_CASE("a sink over a source that never suspends yields now and then [E]") {
    auto const note = [](bool& stop, int& passed) { return [&](int) { passed += stop ? 0 : 1; }; };
    SECTION("fused") {
        check_lets_others_run([&](bool& stop, int& passed) -> task<> {
            co_await (streams::from(std::views::iota(0, many)) | streams::for_each(note(stop, passed)));
        });
    }
    SECTION("a generator") {
        check_lets_others_run([&](bool& stop, int& passed) -> task<> {
            co_await (counting(many) | streams::for_each(note(stop, passed)));
        });
    }
    SECTION("a body that is a task") {
        check_lets_others_run([&](bool& stop, int& passed) -> task<> {
            auto f = [&](int) -> task<> {
                passed += stop ? 0 : 1;
                co_return;
            };
            co_await (streams::from(std::views::iota(0, many)) | streams::for_each(f));
        });
    }
    SECTION("nothing passes the filter") {
        check_lets_others_run([&](bool& stop, int& passed) -> task<> {
            co_await (counting(many) | streams::tap(note(stop, passed)) | streams::filter([](int) { return false; }) |
                      streams::drain());
        });
    }
    SECTION("by hand") {
        check_lets_others_run([&](bool& stop, int& passed) -> task<> {
            auto f = [&](auto& in) -> task<> {
                while (co_await next(in)) {
                    passed += stop ? 0 : 1;
                }
            };
            co_await coir::with_stream(counting(many), f);
        });
    }
}

TEST_CASE("a sink over a source that never suspends can be interrupted [I2]") {
    test_scheduler s;
    entries log;
    int passed = 0;
    s.run([&]() -> task<> {
        auto close = finalizer(log);
        auto run = [&]() -> task<> {
            co_await (streams::from(std::views::iota(0)) | streams::ensuring(close) |
                      streams::for_each([&passed](int) { ++passed; }));
        };
        auto const f = fork(run);
        co_await coir::yield();
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
    });
    CHECK(passed < 5'000);
    CHECK(log == entries{"finalizer begins", "finalizer ends"});
}

TEST_CASE("a range that can be passed once is not advanced before its next element is asked for [S2][S7]") {
    std::istringstream text{"1 2 3 4 5"};
    bool const in_a_loop = GENERATE(false, true);
    CAPTURE(in_a_loop);
    auto const takes_two = [&]() -> task<std::vector<int>> {
        auto two = streams::from(std::ranges::istream_view<int>(text)) | streams::take(2);
        if (in_a_loop) {
            co_return co_await (std::move(two) | streams::to_vector());
        }
        std::vector<int> all;
        auto const body = [&](auto& in) -> task<> {
            while (auto const x = co_await next(in)) {
                all.push_back(*x);
            }
        };
        co_await coir::with_stream(std::move(two), body);
        co_return all;
    };
    test_scheduler s;
    CHECK(s.run(takes_two).value() == std::vector{1, 2});
    int left = 0;
    text >> left;
    CHECK(left == 3);
}
