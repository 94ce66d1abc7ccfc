// concat, flat_map, join, repeat and forever: what runs when, and what is released before.
#include "endings.hpp"

#include <coir/schedule.hpp>

#include <list>
#include <memory>
#include <ranges>

using namespace stream_test;

namespace {

// `first`, `first` + 1... up to before `bound`, with a log of its beginning and its release.
inline stream<int> logged(entries& log, std::string name, int first, int bound) {
    log.push_back(name + " opened");
    for (int i = first; i < bound; ++i) {
        co_yield i;
    }
    log.push_back(name + " ended");
}
auto resource(entries& log, std::string name, int first, int bound) {
    auto close = [&log, name]() -> task<> {
        co_await coir::yield();
        log.push_back(name + " closed");
    };
    return logged(log, name, first, bound) | streams::ensuring(coir::moved(close));
}
auto note(entries& log) {
    return streams::for_each([&log](int n) { log.push_back(std::to_string(n)); });
}

} // namespace

TEST_CASE("concat begins a stream when the one before has ended and is closed [S9]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        co_await (streams::concat(resource(log, "a", 1, 3), resource(log, "b", 3, 4), resource(log, "c", 4, 4)) |
                  note(log));
    });
    CHECK(log == entries{"a opened", "1", "2", "a ended", "a closed", "b opened", "3", "b ended", "b closed",
                         "c opened", "c ended", "c closed"});
}

TEST_CASE("concat of a stream that fails, or is left early, does not begin the next [S7][S9]") {
    test_scheduler s;
    entries log;
    auto const end = s.run([&]() -> task<void, err> {
        auto failing = streams::concat(resource(log, "a", 1, 2), streams::fail_with<int>(err{1}));
        co_await (streams::concat(std::move(failing), resource(log, "b", 3, 4)) | note(log));
    });
    CHECK(end.error() == err{1});
    CHECK(log == entries{"a opened", "1", "a ended", "a closed"});
    log.clear();
    s.run([&]() -> task<> {
        co_await (streams::concat(resource(log, "a", 1, 9), resource(log, "b", 3, 4)) | streams::take(1) | note(log));
    });
    CHECK(log == entries{"a opened", "1", "a closed"});
}

TEST_CASE("the streams of concat may differ: in type, element and error") {
    using both = coir::errors<err, std::string>;
    static_assert(std::same_as<both, std::variant<err, std::string>>);
    test_scheduler s;
    std::string const why = "why";
    numbers seen;
    auto const end = s.run([&]() -> task<void, both> {
        auto p = streams::concat(streams::once(short{1}), stream<int, err>{streams::once(2)}, streams::from(numbers{3}),
                                 streams::fail_with<char>(why));
        static_assert(std::same_as<decltype(p)::value_type, int>);
        co_await (std::move(p) | streams::for_each([&seen](int n) { seen.push_back(n); }));
    });
    CHECK(std::get<std::string>(end.error()) == why);
    CHECK(seen == numbers{1, 2, 3});
    auto const one =
        s.run([]() -> task<numbers> { co_return co_await (streams::concat(counting(2)) | streams::to_vector()); });
    CHECK(one.value() == numbers{0, 1});
}

TEST_CASE("flat_map releases an inner stream before the next outer element is pulled [S11]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        co_await (resource(log, "outer", 1, 4) | streams::flat_map([&log](int n) {
                      return resource(log, std::to_string(n), 10 * n, 10 * n + n - 1);
                  }) |
                  note(log));
    });
    CHECK(log == entries{"outer opened", "1 opened", "1 ended", "1 closed", "2 opened", "20", "2 ended", "2 closed",
                         "3 opened", "30", "31", "3 ended", "3 closed", "outer ended", "outer closed"});
}

TEST_CASE("flat_map left early closes the inner stream, then the outer one [S11]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        co_await (resource(log, "outer", 1, 4) |
                  streams::flat_map([&log](int n) { return resource(log, std::to_string(n), 0, 9); }) |
                  streams::take(2) | note(log));
    });
    CHECK(log == entries{"outer opened", "1 opened", "0", "1", "1 closed", "outer closed"});
}

TEST_CASE("the function of flat_map may refer to its element [S11]") {
    test_scheduler s;
    auto const letters = [](std::string const& word) -> stream<char> {
        for (char const c : word) {
            co_await coir::yield();
            co_yield char{c};
        }
    };
    entries const words{"a word that is not short", "b"};
    auto const end = s.run([&]() -> task<std::vector<char>> {
        co_return co_await (streams::from(words) | streams::flat_map(letters) | streams::to_vector());
    });
    CHECK(std::string(end.value().begin(), end.value().end()) == "a word that is not shortb");
}

TEST_CASE("flat_map takes functions that give containers, views and lvalues") {
    test_scheduler s;
    s.run([]() -> task<> {
        auto const a = co_await (streams::iota(1, 4) |
                                 streams::flat_map([](int n) { return numbers(static_cast<std::size_t>(n), n); }) |
                                 streams::to_vector());
        CHECK(a == numbers{1, 2, 2, 3, 3, 3});
        auto const b = co_await (streams::iota(0, 4) | streams::flat_map([](int n) { return std::views::iota(0, n); }) |
                                 streams::to_vector());
        CHECK(b == numbers{0, 0, 1, 0, 1, 2});
        std::list<std::string> const words{"x", "y"};
        auto const same = [&words](int) -> std::list<std::string> const& { return words; };
        auto const c = co_await (streams::iota(0, 2) | streams::flat_map(same) | streams::to_vector());
        CHECK(c == entries{"x", "y", "x", "y"});
        CHECK(words.front() == "x");
    });
}

TEST_CASE("join runs streams, and gives the elements of ranges, one after the other") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto const make = [&log](int n) { return resource(log, std::to_string(n), 0, n); };
        co_await (streams::iota(1, 3) | streams::transform(make) | streams::join() | note(log));
        std::vector<std::vector<std::unique_ptr<int>>> groups(3);
        groups[0].push_back(std::make_unique<int>(1));
        groups[2].push_back(std::make_unique<int>(2));
        groups[2].push_back(std::make_unique<int>(3));
        auto const all = co_await (streams::from(std::move(groups)) | streams::join() | streams::to_vector());
        REQUIRE(all.size() == 3);
        CHECK(*all[2] == 3);
    });
    CHECK(log == entries{"1 opened", "0", "1 ended", "1 closed", "2 opened", "0", "1", "2 ended", "2 closed"});
}

TEST_CASE("a finalizer that throws between two streams ends the whole with that [S12]") {
    test_scheduler s;
    auto const check = [&](auto make) {
        entries log;
        auto const end = s.run([&]() -> task<> { co_await (make(log) | note(log)); });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "close");
        CHECK(end.suppressed().empty());
        return log;
    };
    auto const bad = [] { return streams::once(1) | streams::ensuring(throwing_finalizer("close")); };
    CHECK(check([&](entries& log) { return streams::concat(bad(), resource(log, "b", 2, 3)); }) == entries{"1"});
    CHECK(check([&](entries& log) {
              return resource(log, "outer", 1, 3) | streams::flat_map([&](int) { return bad(); });
          }) == entries{"outer opened", "1", "outer closed"});
    CHECK(check([&](entries&) { return streams::repeat(bad, coir::recurs(3)); }) == entries{"1"});
}

TEST_CASE("when both streams of a flat_map throw on closing, the inner one's is the defect [S12]") {
    test_scheduler s;
    auto const end = s.run([]() -> task<> {
        co_await (streams::iota(0, 3) | streams::ensuring(throwing_finalizer("outer")) | streams::flat_map([](int) {
                      return streams::iota(0, 3) | streams::ensuring(throwing_finalizer("inner"));
                  }) |
                  streams::take(1) | streams::drain());
    });
    REQUIRE(end.is_defect());
    CHECK(message_of(end.defect()) == "inner");
    REQUIRE(end.suppressed().size() == 1);
    CHECK(message_of(end.suppressed()[0]) == "outer");
}

TEST_CASE("an interruption while one stream is closed for the next waits for the closing [S9][I17]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto slow = [&log]() -> task<> {
            co_await sleep_for(10ms);
            log.push_back("closed");
        };
        auto run = [&]() -> task<> {
            co_await (streams::concat(streams::once(1) | streams::ensuring(slow), ticking(1ms, 3)) | note(log));
        };
        auto const f = fork(run);
        co_await sleep_for(5ms);
        CHECK(log == entries{"1"});
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
    });
    CHECK(log == entries{"1", "closed"});
}

namespace {

// Its closing waits, and does not mask itself.
struct slow_to_close {
    using value_type = int;
    using error_type = coir::never;

    coir::detail::status poll_next(coir::detail::fiber_base&, std::optional<int>&) { return coir::detail::status::end; }
    coir::detail::status poll_close(coir::detail::fiber_base& f) {
        auto const s = wait.poll(f);
        if (coir::detail::has_ended(s)) {
            log->push_back(s == coir::detail::status::value ? "closed" : "given up");
        }
        return s;
    }
    std::exception_ptr defect() const { return nullptr; }
    coir::fiber_id interrupted_by() const { return {}; }

    entries* log;
    coir::sleeping wait = sleep_for(10ms);
};

} // namespace

TEST_CASE("whatever a stream does when it is closed before another, it is not interrupted in it [S9][S11][I17]") {
    test_scheduler s;
    entries log;
    auto const check = [&](auto make) {
        s.run([&]() -> task<> {
            auto run = [&]() -> task<> { co_await (make() | streams::drain()); };
            auto const f = fork(run);
            co_await sleep_for(5ms);
            auto const& end = co_await f.interrupt();
            CHECK(end.is_interrupted());
        });
        CHECK(log == entries{"closed"});
        log.clear();
    };
    check([&] { return streams::concat(slow_to_close{&log}, streams::never_ends<int>()); });
    check([&] {
        return streams::concat(streams::once(1), streams::never_ends<int>()) |
               streams::flat_map([&log](int) { return slow_to_close{&log}; });
    });
    check([&] { return streams::repeat([&log] { return slow_to_close{&log}; }, coir::spaced(1h)); });
    check([&] {
        return streams::concat(slow_to_close{&log}, streams::fail_with<int>(err{1})) |
               streams::or_else([](err) { return streams::never_ends<int>(); });
    });
}

TEST_CASE("interrupt_when around concat leaves the closing in peace, and interrupts what comes then [X10]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        deferred<> stop;
        auto slow = [&log]() -> task<> {
            co_await sleep_for(10ms);
            log.push_back("closed");
        };
        fork(after, 5ms, &stop);
        co_await (streams::concat(streams::once(1) | streams::ensuring(slow), ticking(1ms, 3)) |
                  streams::interrupt_when(stop) | note(log));
        CHECK(stop.waiter_count() == 0);
    });
    CHECK(log == entries{"1", "closed"});
}

TEST_CASE("repeat runs a stream again when it has ended and is closed, as often as its schedule says [S40]") {
    test_scheduler s;
    entries log;
    int made = 0;
    s.run([&]() -> task<> {
        auto make = [&] { return resource(log, "s", 0, ++made); };
        co_await (streams::repeat(make, coir::recurs(2)) | note(log));
    });
    CHECK(log == entries{"s opened", "0", "s ended", "s closed", "s opened", "0", "1", "s ended", "s closed",
                         "s opened", "0", "1", "2", "s ended", "s closed"});
}

TEST_CASE("repeat waits as long as its schedule says") {
    test_scheduler s;
    s.run([]() -> task<> {
        auto const start = coir::now();
        auto const n = co_await (streams::repeat([] { return streams::once(1); }, coir::spaced(1s) && coir::recurs(4)) |
                                 streams::count());
        CHECK(n == 5);
        CHECK(coir::now() - start == 4s);
    });
}

TEST_CASE("a failure ends repeat and forever [S40]") {
    test_scheduler s;
    int made = 0;
    auto const third_fails = [&made]() -> stream<int, err> {
        if (++made == 3) {
            co_await coir::fail<err>(3);
        }
        co_yield 1;
    };
    auto const repeated = s.run(
        [&]() -> task<void, err> { co_await (streams::repeat(third_fails, coir::recurs(9)) | streams::drain()); });
    CHECK(repeated.error() == err{3});
    CHECK(made == 3);
    made = 0;
    auto const forever =
        s.run([&]() -> task<void, err> { co_await (streams::forever(third_fails) | streams::drain()); });
    CHECK(forever.error() == err{3});
    CHECK(made == 3);
}
