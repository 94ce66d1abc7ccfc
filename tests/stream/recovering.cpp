// or_else, transform_error, as_results, retry, on_exit and acquire_release.
#include "endings.hpp"

#include <coir/schedule.hpp>

#include <memory>

using namespace stream_test;

namespace {

auto note(entries& log) {
    return streams::for_each([&log](int n) { log.push_back(std::to_string(n)); });
}
auto resource(entries& log, std::string name) {
    return [&log, name]() -> task<> {
        co_await coir::yield();
        log.push_back(name + " closed");
    };
}
// 1, 2, then the failure.
auto failing(entries& log, int code) {
    auto close = resource(log, "failing");
    return streams::concat(streams::iota(1, 3), streams::fail_with<int>(err{code})) |
           streams::ensuring(coir::moved(close));
}

} // namespace

TEST_CASE("or_else goes on with another stream behind what was emitted [S8]") {
    test_scheduler s;
    entries log;
    auto const end = s.run([&]() -> task<> {
        auto other = [&log](err e) {
            log.push_back("asked");
            auto close = resource(log, "other");
            return streams::iota(e.code, e.code + 2) | streams::ensuring(coir::moved(close));
        };
        co_await (failing(log, 7) | streams::or_else(other) | note(log));
    });
    CHECK(end.is_success());
    CHECK(log == entries{"1", "2", "failing closed", "asked", "7", "8", "other closed"});
}

TEST_CASE("or_else may give a range, keeps the error for it, and fails as the other stream does [S8]") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        auto const v =
            co_await (failing(log, 3) | streams::or_else([](err e) { return numbers{e.code}; }) | streams::to_vector());
        CHECK(v == numbers{1, 2, 3});
        auto const spelled = [](std::unique_ptr<int> const& e) -> stream<int> {
            co_await coir::yield();
            co_yield std::move(*e);
        };
        auto error = std::make_unique<int>(5);
        auto const w =
            co_await (streams::fail_with<int>(std::move(error)) | streams::or_else(spelled) | streams::to_vector());
        CHECK(w == numbers{5});
        auto const r = co_await coir::as_result(
            failing(log, 3) | streams::or_else([](err e) { return streams::fail_with<int>(e.code + 1); }) |
            streams::drain());
        static_assert(std::same_as<decltype(r), coir::result<void, int> const>);
        CHECK(r.error() == 4);
    });
}

TEST_CASE("an error of two types is told apart with std::variant, one handled by or_else") {
    test_scheduler s;
    using both = std::variant<err, std::string>;
    std::string const why = "why";
    s.run([&]() -> task<> {
        auto source = streams::concat(stream<int, err>{streams::once(1)}, streams::fail_with<int>(why));
        static_assert(std::same_as<decltype(source)::error_type, both>);
        auto const v = co_await (std::move(source) |
                                 streams::or_else([](both e) { return streams::once(static_cast<int>(e.index())); }) |
                                 streams::to_vector());
        CHECK(v == numbers{1, 1});
    });
}

TEST_CASE("what a finalizer throws before or_else is beside the failure, and goes with it [S8][S12]") {
    test_scheduler s;
    auto const end = s.run([]() -> task<numbers> {
        co_return co_await (streams::fail_with<int>(err{1}) | streams::ensuring(throwing_finalizer("close")) |
                            streams::or_else([](err) { return streams::once(2); }) | streams::to_vector());
    });
    REQUIRE(end.is_success());
    CHECK(end.value() == numbers{2});
    CHECK(end.suppressed().empty());
}

TEST_CASE("what the functions of or_else, transform_error and retry throw is a defect [S10]") {
    test_scheduler s;
    auto const check = [&](auto make) {
        entries log;
        auto const end = s.run([&]() -> task<void, err> { co_await (make(log) | streams::drain()); });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "boom");
        CHECK(log == entries{"failing closed"});
    };
    auto const boom_stream = [](err) -> stream<int> (*)() { throw std::runtime_error{"boom"}; };
    auto const boom = [](err e) -> err { return e.code == 1 ? throw std::runtime_error{"boom"} : e; };
    check([&](entries& log) { return failing(log, 1) | streams::or_else([&](err e) { return boom_stream(e)(); }); });
    check([&](entries& log) { return failing(log, 1) | streams::transform_error(boom); });
    check([&](entries& log) {
        auto first = [&log, n = 0]() mutable { return n++ == 0 ? failing(log, 1) : throw std::runtime_error{"boom"}; };
        return streams::retry(coir::moved(first), coir::recurs(3));
    });
}

TEST_CASE("transform_error changes the failure and nothing else [S7]") {
    test_scheduler s;
    entries log;
    auto const end = s.run([&]() -> task<void, std::string> {
        auto name = [](err e) { return std::string{"error "} + std::to_string(e.code); };
        co_await (failing(log, 4) | streams::transform_error(name) | note(log));
    });
    CHECK(end.error() == "error 4");
    CHECK(log == entries{"1", "2", "failing closed"});
}

TEST_CASE("as_results makes a failure the last element") {
    test_scheduler s;
    entries log;
    auto const end = s.run([&]() -> task<> {
        auto const v = co_await (failing(log, 4) | streams::as_results() | streams::to_vector());
        REQUIRE(v.size() == 3);
        CHECK(v[0].value() == 1);
        CHECK(v[1].value() == 2);
        CHECK(v[2].error() == err{4});
        auto const w = co_await (streams::iota(0, 2) | streams::as_results() | streams::to_vector());
        CHECK(w.size() == 2);
    });
    CHECK(end.is_success());
}

namespace {

// Attempts that give `elements` elements each and then fail, with a log of their moments.
auto attempts(entries& log, int& attempt, int elements) {
    return [&log, &attempt, elements] {
        log.push_back("attempt " + std::to_string(++attempt));
        auto close = resource(log, "attempt");
        return streams::concat(streams::iota(0, elements), streams::fail_with<int>(err{attempt})) |
               streams::ensuring(coir::moved(close));
    };
}

} // namespace

TEST_CASE("retry releases a failed attempt before the next one begins, and gives the last failure [S38]") {
    test_scheduler s;
    entries log;
    int attempt = 0;
    auto const end = s.run([&]() -> task<void, err> {
        co_await (streams::retry(attempts(log, attempt, 0), coir::recurs(2)) | note(log));
    });
    CHECK(end.error() == err{3});
    CHECK(log == entries{"attempt 1", "attempt closed", "attempt 2", "attempt closed", "attempt 3", "attempt closed"});
}

TEST_CASE("the schedule of retry begins anew after an element [S38]") {
    test_scheduler s;
    entries log;
    int attempt = 0;
    s.run([&]() -> task<> {
        auto const start = coir::now();
        co_await coir::as_result(streams::retry(attempts(log, attempt, 1), coir::exponential(1s) && coir::recurs(1)) |
                                 streams::take(6) | note(log));
        CHECK(coir::now() - start == 5s); // not 1s + 2s + 4s...
        CHECK(attempt == 6);
    });
    attempt = 0;
    log.clear();
    s.run([&]() -> task<> {
        auto const start = coir::now();
        auto const r = co_await coir::as_result(
            streams::retry(attempts(log, attempt, 0), coir::exponential(1s) && coir::recurs(3)) | streams::drain());
        CHECK_FALSE(r.has_value());
        CHECK(coir::now() - start == 7s);
    });
}

TEST_CASE("retry asks its schedule about the error") {
    test_scheduler s;
    entries log;
    int attempt = 0;
    auto const end = s.run([&]() -> task<void, err> {
        auto const policy = coir::recurs(9).while_error([](err e) { return e.code < 3; });
        co_await (streams::retry(attempts(log, attempt, 0), policy) | streams::drain());
    });
    CHECK(end.error() == err{3});
    CHECK(attempt == 3);
}

TEST_CASE("retry_if_nothing_emitted does not repeat what the consumer has seen [S39]") {
    test_scheduler s;
    entries log;
    int attempt = 0;
    auto const seen = s.run([&]() -> task<void, err> {
        co_await (streams::retry_if_nothing_emitted(attempts(log, attempt, 1), coir::recurs(9)) | note(log));
    });
    CHECK(seen.error() == err{1});
    CHECK(log == entries{"attempt 1", "0", "attempt closed"});
    log.clear();
    attempt = 0;
    auto const make = [&] { return attempts(log, attempt, attempt < 2 ? 0 : 1)(); };
    auto const later = s.run(
        [&]() -> task<void, err> { co_await (streams::retry_if_nothing_emitted(make, coir::recurs(9)) | note(log)); });
    CHECK(later.error() == err{3});
    CHECK(log ==
          entries{"attempt 1", "attempt closed", "attempt 2", "attempt closed", "attempt 3", "0", "attempt closed"});
}

TEST_CASE("what retry was interrupted in while it slept is over, and nothing is left to close [S38]") {
    test_scheduler s;
    entries log;
    int attempt = 0;
    s.run([&]() -> task<> {
        auto run = [&]() -> task<void, err> {
            co_await (streams::retry(attempts(log, attempt, 0), coir::spaced(1h)) | streams::drain());
        };
        auto const f = fork(run);
        co_await sleep_for(1ms);
        auto const& end = co_await f.interrupt();
        CHECK(end.is_interrupted());
    });
    CHECK(log == entries{"attempt 1", "attempt closed"});
}

TEST_CASE("on_exit tells a finalizer how the stream ended, after it was closed [S12]") {
    test_scheduler s;
    entries log;
    auto const tell = [&log](coir::outcome<void, err> const& end) -> task<> {
        co_await coir::yield();
        log.push_back(end.visit([] { return std::string{"success"}; },
                                [](err e) { return "failure " + std::to_string(e.code); },
                                [](std::exception_ptr const& p) { return message_of(p); },
                                [](coir::fiber_id) { return std::string{"interrupted"}; }));
    };
    auto const run = [&](how ending) {
        log.clear();
        s.run([&]() -> task<> { co_await run_to_its_end(fused(ending, log) | streams::on_exit(tell), ending, log); });
        REQUIRE(log.size() >= 7);
        CHECK(log[log.size() - 5] == "source ends");
        CHECK(log[log.size() - 3] == "outer begins");
        return log[log.size() - 4];
    };
    CHECK(run(how::end) == "success");
    CHECK(run(how::stopped_early) == "success");
    CHECK(run(how::failure) == "failure 3");
    CHECK(run(how::defect) == "third");
    CHECK(run(how::interrupted) == "interrupted");
    CHECK(run(how::cancelled) == "interrupted");
}

TEST_CASE("on_exit is told of what a function above it throws, which stays the end [S10][S12]") {
    test_scheduler s;
    entries log;
    auto const tell = [&log](coir::outcome<void> const& end) -> task<> {
        log.push_back(end.is_defect() ? message_of(end.defect()) : "another end");
        co_return;
    };
    auto const boom = [](int) -> int { throw std::runtime_error{"boom"}; };
    auto const end = s.run([&]() -> task<> {
        co_await (streams::iota(0) | streams::transform(boom) | streams::on_exit(tell) | streams::drain());
    });
    REQUIRE(end.is_defect());
    CHECK(message_of(end.defect()) == "boom");
    CHECK(log == entries{"boom"});
}

TEST_CASE("on_exit of a stream that is not pulled is not called, and what it throws is as of ensuring [S3][I12]") {
    test_scheduler s;
    int calls = 0;
    auto const count = [&calls](coir::outcome<void, err> const&) -> task<> {
        ++calls;
        co_return;
    };
    s.run([&]() -> task<> {
        static_cast<void>(co_await coir::as_result(streams::fail_with<int>(err{1}) | streams::on_exit(count) |
                                                   streams::take(0) | streams::drain()));
    });
    CHECK(calls == 0);
    auto const throws = [](auto const&) -> task<> {
        co_await coir::yield();
        throw std::runtime_error{"exit"};
    };
    auto const end = s.run([&]() -> task<> { co_await (counting(2) | streams::on_exit(throws) | streams::drain()); });
    CHECK(message_of(end.defect()) == "exit");
    auto const failed = s.run([&]() -> task<void, err> {
        co_await (streams::fail_with<int>(err{1}) | streams::on_exit(throws) | streams::drain());
    });
    CHECK(failed.error() == err{1});
    REQUIRE(failed.suppressed().size() == 1);
    CHECK(message_of(failed.suppressed()[0]) == "exit");
}

TEST_CASE("on_exit is told what a finalizer above it threw [S12]") {
    test_scheduler s;
    entries log;
    auto const tell = [&log](auto const& end) -> task<> {
        log.push_back(end.is_defect() ? message_of(end.defect()) : message_of(end.suppressed()[0]));
        co_return;
    };
    auto const end = s.run([&]() -> task<> {
        co_await (counting(2) | streams::ensuring(throwing_finalizer("above")) | streams::on_exit(tell) |
                  streams::drain());
    });
    CHECK(message_of(end.defect()) == "above");
    CHECK(end.suppressed().empty());
    auto const failed = s.run([&]() -> task<void, err> {
        co_await (streams::fail_with<int>(err{1}) | streams::ensuring(throwing_finalizer("above")) |
                  streams::on_exit(tell) | streams::drain());
    });
    CHECK(failed.error() == err{1});
    CHECK(failed.suppressed().size() == 1);
    CHECK(log == entries{"above", "above"});
}

TEST_CASE("on_exit sees the error that a stage below turns into something else") {
    test_scheduler s;
    entries log;
    s.run([&]() -> task<> {
        std::string const why = "a reason that is long enough to be moved";
        auto const tell = [&log](coir::outcome<void, std::string> const& end) -> task<> {
            log.push_back(end.error());
            co_return;
        };
        auto const v = co_await (streams::fail_with<int>(why) | streams::on_exit(tell) | streams::as_results() |
                                 streams::to_vector());
        CHECK(v.at(0).error() == why);
        CHECK(log == entries{why});
    });
}

namespace {

struct handle {
    int number;
    bool open = true;
};

} // namespace

TEST_CASE("acquire_release gives one resource and releases it once, after all that uses it [S10]") {
    auto const ending = GENERATE(from_range(std::begin(all_endings), std::end(all_endings)));
    INFO("ending " << static_cast<int>(ending));
    test_scheduler s;
    entries log;
    auto const acquire = [&log]() -> task<std::unique_ptr<handle>, err> {
        log.push_back("acquired");
        co_return std::make_unique<handle>(handle{1});
    };
    auto const release = [&log](std::unique_ptr<handle>& h) -> task<> {
        co_await sleep_for(1ms);
        log.push_back(h->open ? "released" : "released again");
        h->open = false;
    };
    s.run([&]() -> task<> {
        auto use = [&](std::unique_ptr<handle>& h) {
            CHECK(h->open);
            return fused(ending, log);
        };
        co_await run_to_its_end(streams::acquire_release(acquire, release) | streams::flat_map(use), ending, log);
    });
    entries expected{"acquired", "1", "2"};
    if (ending == how::end) {
        expected.push_back("3");
    }
    for (auto const* what : {"source begins", "source ends", "released", "outer begins", "outer ends", "seen"}) {
        expected.push_back(what);
    }
    CHECK(log == expected);
}

TEST_CASE("acquiring is not interrupted, and what was acquired is released [S10][I17]") {
    test_scheduler s;
    entries log;
    auto const acquire = [&log]() -> task<int> {
        co_await sleep_for(10ms);
        log.push_back("acquired");
        co_return 1;
    };
    auto const release = [&log](int&) -> task<> {
        log.push_back("released");
        co_return;
    };
    s.run([&]() -> task<> {
        auto run = [&]() -> task<> {
            auto const use = [](int) -> task<> { co_await sleep_for(1h); };
            co_await (streams::acquire_release(acquire, release) | streams::for_each(use));
        };
        auto const f = fork(run);
        co_await sleep_for(5ms);
        co_await f.interrupt();
        CHECK(log == entries{"acquired", "released"});
    });
}

TEST_CASE("what fails to be acquired is not released, and a throwing release is a defect [S10]") {
    test_scheduler s;
    int released = 0;
    auto const release = [&released](int&) -> task<> {
        ++released;
        throw std::runtime_error{"release"};
        co_return;
    };
    auto const fails = []() -> task<int, err> {
        co_await coir::fail<err>(1);
        co_return 1;
    };
    auto const throws = []() -> task<int> {
        throw std::runtime_error{"acquire"};
        co_return 1;
    };
    auto const works = []() -> task<int> { co_return 1; };
    auto const failed =
        s.run([&]() -> task<void, err> { co_await (streams::acquire_release(fails, release) | streams::drain()); });
    CHECK(failed.error() == err{1});
    auto const died =
        s.run([&]() -> task<> { co_await (streams::acquire_release(throws, release) | streams::drain()); });
    CHECK(message_of(died.defect()) == "acquire");
    s.run(
        [&]() -> task<> { co_await (streams::acquire_release(works, release) | streams::take(0) | streams::drain()); });
    CHECK(released == 0);
    auto const end = s.run([&]() -> task<> { co_await (streams::acquire_release(works, release) | streams::drain()); });
    CHECK(message_of(end.defect()) == "release");
    CHECK(released == 1);
}

TEST_CASE("nested resources are released in the reverse order [S10][S11]") {
    test_scheduler s;
    entries log;
    auto const open = [&log](int n) {
        auto acquire = [&log, n]() -> task<int> {
            log.push_back("open " + std::to_string(n));
            co_return n;
        };
        auto release = [&log](int& held) -> task<> {
            log.push_back("close " + std::to_string(held));
            co_return;
        };
        return streams::acquire_release(coir::moved(acquire), release);
    };
    s.run([&]() -> task<> {
        co_await (open(1) |
                  streams::flat_map([&](int outer) { return streams::concat(open(10 * outer), open(11 * outer)); }) |
                  streams::for_each([&log](int n) { log.push_back("use " + std::to_string(n)); }));
    });
    CHECK(log == entries{"open 1", "open 10", "use 10", "close 10", "open 11", "use 11", "close 11", "close 1"});
}
