// interrupt_when: the signal fires before, between, in and after pulls, and the stream stops.
#include "stream_support.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <ranges>

using namespace stream_test;

namespace {

// What takes long: a frame, and a finalizer of its own.
task<int> slow(entries* log, std::chrono::milliseconds d, int n) {
    leaving const here{*log, "slow"};
    auto close = finalizer(*log, "inner");
    co_await coir::ensuring(sleep_for(d), close);
    co_return n;
}

} // namespace

TEST_CASE("a signal in the middle of a pull interrupts it, which cleans up, and ends the stream normally [X1]") {
    test_scheduler s;
    entries log;
    deferred<> stop;
    auto const stopped_slow = entries{"inner begins", "inner ends", "slow", "outer begins", "outer ends", "seen"};
    auto const check = [&](auto make, entries const& expected) {
        auto const end = s.run([&]() -> task<numbers> {
            fork(after, 5ms, &stop);
            auto outer = finalizer(log, "outer");
            auto const v =
                co_await (make() | streams::interrupt_when(stop) | streams::ensuring(outer) | streams::to_vector());
            log.push_back("seen");
            co_return v;
        });
        CHECK(end.value().empty());
        CHECK(log == expected);
        CHECK(s.elapsed() < 20ms);
    };
    auto const only_outer = entries{"outer begins", "outer ends", "seen"};
    SECTION("a generator that sleeps") {
        check([&] { return ticking(1h, 3); }, only_outer);
    }
    SECTION("a task of a generator") {
        auto source = [](entries& l) -> stream<int> { co_yield co_await slow(&l, 1h, 1); };
        check([&] { return source(log); }, stopped_slow);
    }
    SECTION("a transform that is awaited") {
        check([&] { return counting(3) | streams::transform([&log](int n) { return slow(&log, 1h, n); }); },
              stopped_slow);
    }
    SECTION("a tap that is awaited, of a fused source") {
        auto tap = [&log](int n) -> task<> { co_await slow(&log, 1h, n); };
        check([&] { return streams::from(one_to(3)) | streams::tap(tap); }, stopped_slow);
    }
    SECTION("a function that returns an operation, not a task") {
        check([&] { return counting(3) | streams::tap([](int) { return sleep_for(1h); }); }, only_outer);
    }
    SECTION("a queue pop") {
        coir::queue<int> q{coir::unbounded()};
        check([&] { return streams::from_queue(q); }, only_outer);
    }
    SECTION("erased") {
        check([&] { return stream<int>{ticking(1h, 3) | streams::take(2)}; }, only_outer);
    }
    SECTION("debounced") {
        check([&] { return ticking(2ms, 3) | streams::debounce(1h) | streams::filter([](int) { return false; }); },
              only_outer);
    }
}

TEST_CASE("what came before the signal is kept [X1]") {
    test_scheduler s;
    deferred<> stop;
    auto const end = s.run([&]() -> task<numbers> {
        fork(after, 25ms, &stop);
        co_return co_await (ticking(10ms, 100) | streams::interrupt_when(stop) | streams::to_vector());
    });
    CHECK(end.value() == numbers{1, 2});
    CHECK(s.elapsed() == 25ms);
}

TEST_CASE("a signal that fails, dies or is interrupted is how the stream ends [X2]") {
    test_scheduler s;
    deferred<int, err> stop;
    entries log;
    bool const before = GENERATE(true, false);
    auto const run = [&](auto complete) {
        if (before) {
            complete();
        }
        auto const end = s.run([&]() -> task<numbers, err> {
            auto later = [&]() -> task<> {
                co_await sleep_for(15ms);
                complete();
            };
            fork(later);
            auto close = finalizer(log);
            co_return co_await (ticking(10ms, 5) | streams::ensuring(close) | streams::interrupt_when(stop) |
                                streams::transform([](int x) { return x; }) | streams::to_vector());
        });
        CHECK(log == (before ? entries{} : entries{"finalizer begins", "finalizer ends"}));
        CHECK(end.suppressed().empty());
        return end;
    };
    SECTION("fails") {
        auto const end = run([&] { stop.fail(err{7}); });
        REQUIRE(end.is_failure());
        CHECK(end.error() == err{7});
    }
    SECTION("dies") {
        auto const end = run([&] { stop.die(std::make_exception_ptr(std::runtime_error{"signal"})); });
        REQUIRE(end.is_defect());
        CHECK(message_of(end.defect()) == "signal");
    }
    SECTION("is interrupted") {
        auto const end = run([&] { stop.interrupt(); });
        CHECK(end.is_interrupted());
    }
    SECTION("succeeds with a value") {
        auto const end = run([&] { stop.succeed(1); });
        CHECK(end.is_success());
    }
}

TEST_CASE("errors of the stream and of the signal are told apart [X2]") {
    test_scheduler s;
    deferred<void, std::string> stop;
    using both = coir::errors<err, std::string>;
    auto source = []() -> stream<int, err> {
        co_await sleep_for(10ms);
        co_await coir::fail<err>(1);
        co_yield 1;
    };
    auto run = [&]() -> task<void, both> { co_await (source() | streams::interrupt_when(stop) | streams::drain()); };
    auto const own = s.run(run);
    CHECK(std::get<err>(own.error()) == err{1});
    auto const of_signal = s.run([&]() -> task<void, both> {
        auto later = [&]() -> task<> {
            co_await sleep_for(5ms);
            stop.fail("stop");
        };
        fork(later);
        co_await run();
    });
    CHECK(std::get<std::string>(of_signal.error()) == "stop");
}

TEST_CASE("a signal that is done already: not one element, and nothing is pulled [X3]") {
    test_scheduler s;
    deferred<> stop;
    stop.succeed();
    int made = 0;
    auto count = [&made](int x) {
        ++made;
        return x;
    };
    s.run([&]() -> task<> {
        auto const a = co_await (streams::from(one_to(5)) | streams::transform(count) | streams::interrupt_when(stop) |
                                 streams::to_vector());
        CHECK(a.empty());
        auto const b =
            co_await (counting(5) | streams::transform(count) | streams::interrupt_when(stop) | streams::to_vector());
        CHECK(b.empty());
        auto body = [](auto& in) -> task<bool> {
            auto const x = co_await next(in);
            co_return x.has_value();
        };
        bool const any = co_await coir::with_stream(counting(5) | streams::interrupt_when(stop), body);
        CHECK_FALSE(any);
    });
    CHECK(made == 0);
}

TEST_CASE("a signal fired by processing element k: k + 1 is not emitted [X4]") {
    test_scheduler s;
    deferred<> stop;
    numbers seen;
    auto fire_at_2 = [&](int n) {
        if (n == 2) {
            stop.succeed();
        }
    };
    auto note = [&](int n) { seen.push_back(n); };
    auto const check = [&](auto work) {
        s.run(work);
        CHECK(seen == numbers{1, 2});
    };
    SECTION("in the sink, of a synchronous source") {
        check([&]() -> task<> {
            auto both = [&](int n) {
                note(n);
                fire_at_2(n);
            };
            co_await (streams::from(one_to(9)) | streams::interrupt_when(stop) | streams::for_each(both));
        });
    }
    SECTION("in the sink, of a generator") {
        check([&]() -> task<> {
            auto both = [&](int n) -> task<> {
                note(n);
                fire_at_2(n);
                co_await coir::yield();
            };
            co_await (ticking(1ms, 9) | streams::interrupt_when(stop) | streams::for_each(both));
        });
    }
    SECTION("above, by the pull that gives it") {
        check([&]() -> task<> {
            co_await (streams::from(one_to(9)) | streams::tap(fire_at_2) | streams::interrupt_when(stop) |
                      streams::for_each(note));
        });
    }
    SECTION("above, by a pull that waited") {
        check([&]() -> task<> {
            co_await (ticking(1ms, 9) | streams::tap(fire_at_2) | streams::interrupt_when(stop) |
                      streams::for_each(note));
        });
    }
}

TEST_CASE("an element that waits for the consumer above the stage is dropped by the signal [X5]") {
    test_scheduler s;
    deferred<> stop;
    numbers seen;
    s.run([&]() -> task<> {
        fork(after, 15ms, &stop);
        auto consume = [&](int n) -> task<> {
            co_await sleep_for(20ms);
            seen.push_back(n);
        };
        co_await (ticking(1ms, 9) | streams::debounce_collect(0ms, 0ms, 1) |
                  streams::transform([](numbers const& v) { return v[0]; }) | streams::interrupt_when(stop) |
                  streams::for_each(consume));
    });
    CHECK(seen == numbers{1});
}

TEST_CASE("however the stream ends, no waiter stays with the signal [X6]") {
    test_scheduler s;
    deferred<> stop;
    auto const none_after = [&](auto work) {
        s.run(work);
        CHECK(stop.waiter_count() == 0);
        CHECK_FALSE(stop.is_done());
    };
    none_after([&]() -> task<> { co_await (ticking(1ms, 3) | streams::interrupt_when(stop) | streams::drain()); });
    none_after([&]() -> task<> {
        co_await (ticking(1ms, 3) | streams::interrupt_when(stop) | streams::take(1) | streams::drain());
    });
    none_after([&]() -> task<> {
        auto fails = [](int n) -> task<int, err> {
            co_await coir::yield();
            co_return n == 1 ? coir::fail<err>(1) : coir::fail<err>(2);
        };
        auto const r = co_await coir::as_result(ticking(1ms, 3) | streams::transform(fails) |
                                                streams::interrupt_when(stop) | streams::drain());
        CHECK_FALSE(r.has_value());
    });
    none_after([&]() -> task<> {
        auto throws = [](int) -> task<int> {
            co_await coir::yield();
            throw std::runtime_error{"boom"};
        };
        auto const r = co_await coir::as_outcome(ticking(1ms, 3) | streams::transform(throws) |
                                                 streams::interrupt_when(stop) | streams::drain());
        CHECK(r.is_defect());
    });
    none_after([&]() -> task<> {
        auto throws = [](int) -> int { throw std::runtime_error{"boom"}; };
        auto const r = co_await coir::as_outcome(ticking(1ms, 3) | streams::transform(throws) |
                                                 streams::interrupt_when(stop) | streams::drain());
        CHECK(r.is_defect());
    });
    none_after([&]() -> task<> {
        auto run = [&]() -> task<> { co_await (ticking(1h, 3) | streams::interrupt_when(stop) | streams::drain()); };
        auto const f = fork(run);
        co_await sleep_for(5ms);
        CHECK(stop.waiter_count() == 1);
        co_await f.interrupt();
    });
    none_after([&]() -> task<> {
        auto const t = co_await coir::timeout(ticking(1h, 3) | streams::interrupt_when(stop) | streams::drain(), 5ms);
        CHECK_FALSE(t);
    });
}

TEST_CASE("between its pulls a stream does not wait for the signal [X6][X7]") {
    test_scheduler s;
    deferred<> stop;
    s.run([&]() -> task<> {
        auto look = [&](int) -> task<> {
            CHECK(stop.waiter_count() == 0);
            co_await sleep_for(1ms);
            CHECK(stop.waiter_count() == 0);
        };
        co_await (ticking(1ms, 3) | streams::interrupt_when(stop) | streams::for_each(look));
    });
}

TEST_CASE("a stage below that works when the signal fires is not interrupted [X7]") {
    test_scheduler s;
    deferred<> stop;
    numbers finished;
    auto work = [&](int n) -> task<int> {
        co_await sleep_for(10ms);
        finished.push_back(n);
        co_return n;
    };
    auto source = [] { return ticking(1ms, 9); };
    auto const check = [&](auto run) {
        s.run(run);
        CHECK(finished == numbers{1});
    };
    SECTION("transform") {
        check([&]() -> task<> {
            fork(after, 5ms, &stop);
            auto const v =
                co_await (source() | streams::interrupt_when(stop) | streams::transform(work) | streams::to_vector());
            CHECK(v == numbers{1});
        });
    }
    SECTION("the sink") {
        check([&]() -> task<> {
            fork(after, 5ms, &stop);
            co_await (source() | streams::interrupt_when(stop) | streams::for_each(work));
        });
    }
    SECTION("the body of with_stream") {
        check([&]() -> task<> {
            fork(after, 5ms, &stop);
            auto body = [&](auto& in) -> task<> {
                while (auto n = co_await next(in)) {
                    co_await work(*n);
                }
            };
            co_await coir::with_stream(source() | streams::interrupt_when(stop), body);
        });
    }
    SECTION("the finalizer of a stage below") {
        check([&]() -> task<> {
            fork(after, 5ms, &stop);
            auto close = [&]() -> task<> { co_await work(1); };
            co_await (counting(1) | streams::interrupt_when(stop) | streams::ensuring(close) | streams::drain());
        });
    }
}

TEST_CASE("a mask inside a pull holds against the signal, which is taken at its end [I3][X1]") {
    test_scheduler s;
    deferred<> stop;
    entries log;
    auto save = [&log](int n) -> task<int> {
        co_await sleep_for(10ms);
        log.push_back("saved");
        co_return n;
    };
    auto const run = [&](auto make) {
        auto const end = s.run([&]() -> task<numbers> {
            fork(after, 5ms, &stop);
            co_return co_await (make() | streams::interrupt_when(stop) | streams::to_vector());
        });
        CHECK(end.value().empty());
        CHECK(log == entries{"saved"});
    };
    SECTION("begun in the same step as the pull") {
        auto masked = [&](int n) { return coir::uninterruptible(save(n)); };
        run([&] { return streams::from(one_to(3)) | streams::transform(masked); });
    }
    SECTION("in a task") {
        auto masked = [&](int n) -> task<int> { co_return co_await coir::uninterruptible(save(n)); };
        run([&] { return counting(3) | streams::transform(masked); });
    }
    SECTION("of an operation that is limited itself") {
        auto masked = [&](int n) { return coir::timeout(coir::uninterruptible(save(n)), 1h); };
        auto number = [](std::optional<int> x) { return *x; };
        run([&] { return streams::from(one_to(3)) | streams::transform(masked) | streams::transform(number); });
    }
    SECTION("while the whole stream is masked too: the stage is inside that") {
        auto masked = [&](int n) { return coir::uninterruptible(save(n)); };
        auto const end = s.run([&]() -> task<numbers> {
            fork(after, 5ms, &stop);
            co_return co_await coir::uninterruptible(streams::from(one_to(3)) | streams::transform(masked) |
                                                     streams::interrupt_when(stop) | streams::to_vector());
        });
        CHECK(end.value().empty());
        CHECK(log == entries{"saved"});
    }
    SECTION("a finalizer that begins in the same step as the pull") {
        auto done = [](int n) -> task<int> { co_return n; };
        auto ensured = [&](int n) { return coir::ensuring(done(n), finalizer(log)); };
        auto const end = s.run([&]() -> task<numbers> {
            auto fire = [&]() -> task<> {
                stop.succeed();
                co_return;
            };
            fork(fire);
            co_return co_await (streams::from(one_to(3)) | streams::transform(ensured) | streams::interrupt_when(stop) |
                                streams::to_vector());
        });
        CHECK(end.value() == numbers{1}); // it had completed
        CHECK(log == entries{"finalizer begins", "finalizer ends"});
    }
}

TEST_CASE("a stream inside a mask is stopped by its own signal all the same [X1]") {
    test_scheduler s;
    deferred<> stop;
    auto const end = s.run([&]() -> task<numbers> {
        fork(after, 25ms, &stop);
        co_return co_await coir::uninterruptible(ticking(10ms, 100) | streams::interrupt_when(stop) |
                                                 streams::to_vector());
    });
    CHECK(end.value() == numbers{1, 2});
}

TEST_CASE("what a finalizer throws after the signal is a defect of the stream [I12]") {
    test_scheduler s;
    deferred<> stop;
    auto const end = s.run([&]() -> task<> {
        fork(after, 5ms, &stop);
        auto close = throwing_finalizer("finalizer");
        co_await (ticking(1h, 3) | streams::ensuring(close) | streams::interrupt_when(stop) | streams::drain());
    });
    REQUIRE(end.is_defect());
    CHECK(message_of(end.defect()) == "finalizer");
}

TEST_CASE("one signal ends all the streams that look at it [X9]") {
    test_scheduler s;
    deferred<> stop;
    int ended = 0;
    s.run([&]() -> task<> {
        auto run = [&](std::chrono::milliseconds period) -> task<> {
            co_await (ticking(period, 1'000) | streams::interrupt_when(stop) | streams::interrupt_when(stop) |
                      streams::drain());
            ++ended;
        };
        std::vector<coir::fiber<>> all;
        for (int i = 1; i <= 20; ++i) {
            all.push_back(fork(run, i * 1ms));
        }
        co_await sleep_for(10ms);
        stop.succeed();
        for (auto& f : all) {
            co_await f;
        }
        CHECK(s.elapsed() == 10ms);
    });
    CHECK(ended == 20);
    CHECK(stop.waiter_count() == 0);
}

TEST_CASE("nested: whichever fires first stops what is above it [X10]") {
    test_scheduler s;
    deferred<> inner;
    deferred<> outer;
    entries log;
    auto const run = [&](deferred<>& first) {
        s.run([&]() -> task<> {
            fork(after, 5ms, &first);
            auto close = finalizer(log);
            auto slow_one = [&log](int n) { return slow(&log, 1h, n); };
            co_await (counting(3) | streams::transform(slow_one) | streams::interrupt_when(inner) |
                      streams::ensuring(close) | streams::interrupt_when(outer) | streams::drain());
        });
        CHECK(inner.waiter_count() == 0);
        CHECK(outer.waiter_count() == 0);
        CHECK(log == entries{"inner begins", "inner ends", "slow", "finalizer begins", "finalizer ends"});
    };
    SECTION("the inner one") { run(inner); }
    SECTION("the outer one") { run(outer); }
    SECTION("both at once, which one first") {
        bool const swapped = GENERATE(false, true);
        s.run([&]() -> task<> {
            auto fire = [&]() -> task<> {
                co_await sleep_for(5ms);
                (swapped ? outer : inner).succeed();
                (swapped ? inner : outer).succeed();
            };
            fork(fire);
            auto const v = co_await (ticking(1h, 3) | streams::interrupt_when(inner) | streams::interrupt_when(outer) |
                                     streams::to_vector());
            CHECK(v.empty());
        });
    }
}

TEST_CASE("what follows a stream that its signal has stopped runs, also where another signal is heard [X10]") {
    test_scheduler s;
    deferred<> inner;
    deferred<> outer;
    entries log;
    auto const slow_one = [&log](int n) { return slow(&log, 1h, n); };
    auto const nested = [&] {
        return streams::from(one_to(3)) | streams::transform(slow_one) | streams::interrupt_when(inner) |
               streams::interrupt_when(outer);
    };
    auto const stopped = entries{"inner begins", "inner ends", "slow"};
    SECTION("in a concat behind both") {
        auto const end = s.run([&]() -> task<numbers> {
            fork(after, 5ms, &outer);
            co_return co_await (streams::concat(nested(), ticking(1ms, 2)) | streams::to_vector());
        });
        CHECK(end.value() == numbers{1, 2});
        CHECK(log == stopped);
    }
    SECTION("in a concat that the outer signal is around, stopped by the inner one") {
        auto const end = s.run([&]() -> task<numbers> {
            fork(after, 5ms, &inner);
            co_return co_await (streams::concat(streams::from(one_to(3)) | streams::transform(slow_one) |
                                                    streams::interrupt_when(inner),
                                                ticking(1ms, 2)) |
                                streams::interrupt_when(outer) | streams::to_vector());
        });
        CHECK(end.value() == numbers{1, 2});
        CHECK(log == stopped);
    }
    SECTION("in a flat_map") {
        auto const end = s.run([&]() -> task<numbers> {
            fork(after, 5ms, &outer);
            auto first_is_slow = [&](int n) -> stream<int> {
                return n == 1 ? stream<int>{nested()} : stream<int>{streams::once(n)};
            };
            co_return co_await (streams::from(one_to(3)) | streams::flat_map(first_is_slow) | streams::to_vector());
        });
        CHECK(end.value() == numbers{2, 3});
        CHECK(log == stopped);
    }
    CHECK(inner.waiter_count() == 0);
    CHECK(outer.waiter_count() == 0);
}

TEST_CASE("the signal and an interruption of the fiber at once: the fiber ends, once [X1][I1]") {
    test_scheduler s;
    deferred<> stop;
    entries log;
    bool const signal_first = GENERATE(true, false);
    s.run([&]() -> task<> {
        auto run = [&]() -> task<> {
            auto close = finalizer(log);
            co_await (ticking(1h, 3) | streams::ensuring(close) | streams::interrupt_when(stop) | streams::drain());
            log.push_back("drained");
            co_await coir::checkpoint();
            log.push_back("not reached");
        };
        auto const f = fork(run);
        co_await sleep_for(5ms);
        if (signal_first) {
            stop.succeed();
        }
        f.request_interrupt();
        stop.succeed();
        auto const& end = co_await f.await();
        CHECK(end.is_interrupted());
    });
    CHECK(log == entries{"finalizer begins", "finalizer ends"});
    CHECK(stop.waiter_count() == 0);
}

TEST_CASE("a pull that had completed when the signal fires gives its element, the last one [X4]") {
    test_scheduler s;
    deferred<> stop;
    coir::queue<int> q{coir::unbounded()};
    auto const end = s.run([&]() -> task<numbers> {
        auto feed = [&]() -> task<> {
            co_await sleep_for(1ms);
            static_cast<void>(q.try_push(1)); // handed over to the pop that waits
            static_cast<void>(q.try_push(2));
            stop.succeed();
        };
        fork(feed);
        co_return co_await (streams::from_queue(q) | streams::interrupt_when(stop) | streams::to_vector());
    });
    CHECK(end.value() == numbers{1});
    CHECK(q.size() == 1);
}

TEST_CASE("a signal that fires before the value does stops the pull, which takes nothing [X1]") {
    test_scheduler s;
    deferred<> stop;
    coir::queue<int> q{coir::unbounded()};
    auto const end = s.run([&]() -> task<numbers> {
        auto feed = [&]() -> task<> {
            co_await sleep_for(1ms);
            stop.succeed();
            static_cast<void>(q.try_push(1));
        };
        fork(feed);
        co_return co_await (streams::from_queue(q) | streams::interrupt_when(stop) | streams::to_vector());
    });
    CHECK(end.value().empty());
    CHECK(q.size() == 1);
}

TEST_CASE("a signal that is destroyed unfinished in the middle of a pull ends the stream as interrupted [D32]") {
    test_scheduler s;
    entries log;
    SECTION("while the pull waits") {
        auto const end = s.run([&]() -> task<> {
            std::optional<deferred<>> stop{std::in_place};
            auto destroy = [&]() -> task<> {
                co_await sleep_for(5ms);
                stop.reset();
            };
            fork(destroy);
            auto close = finalizer(log);
            auto const r = co_await coir::as_outcome(ticking(1h, 3) | streams::ensuring(close) |
                                                     streams::interrupt_when(*stop) | streams::drain());
            CHECK(r.is_interrupted());
            co_await coir::checkpoint();
            log.push_back("goes on");
        });
        CHECK(end.is_success());
        CHECK(log == entries{"finalizer begins", "finalizer ends", "goes on"});
    }
    SECTION("when the pull has just completed: its element is the last one") {
        coir::queue<int> q{coir::unbounded()};
        numbers seen;
        s.run([&]() -> task<> {
            auto stop = std::make_unique<deferred<>>();
            auto& signal = *stop;
            auto destroy = [&]() -> task<> {
                co_await sleep_for(5ms);
                static_cast<void>(q.try_push(1));
                static_cast<void>(q.try_push(2));
                stop.reset();
            };
            fork(destroy);
            auto const r = co_await coir::as_outcome(streams::from_queue(q) | streams::interrupt_when(signal) |
                                                     streams::for_each([&seen](int n) { seen.push_back(n); }));
            CHECK(r.is_interrupted());
        });
        CHECK(seen == numbers{1});
    }
}

TEST_CASE("children of the stream are left alone by a signal that never fires [X8]") {
    test_scheduler s;
    deferred<> never_done;
    numbers beats;
    auto source = [](numbers& b) -> stream<int> {
        auto beat = [&b]() -> task<> {
            for (int i = 0; i < 100; ++i) {
                co_await sleep_for(10ms);
                b.push_back(i);
            }
        };
        fork(beat);
        for (int i = 0; i < 3; ++i) {
            co_await sleep_for(15ms);
            co_yield i;
        }
        co_await sleep_for(6ms);
    };
    s.run([&]() -> task<> { co_await (source(beats) | streams::interrupt_when(never_done) | streams::drain()); });
    CHECK(beats == numbers{0, 1, 2, 3, 4});
}

TEST_CASE("a filter that rests in a synchronous pull is stopped too [X4][E]") {
    test_scheduler s;
    deferred<> stop;
    int looked_at = 0;
    s.run([&]() -> task<> {
        auto fire = [&]() -> task<> {
            stop.succeed();
            co_return;
        };
        fork(fire);
        auto nothing = [&looked_at](int) {
            ++looked_at;
            return false;
        };
        co_await (streams::from(std::views::iota(0)) | streams::filter(nothing) | streams::interrupt_when(stop) |
                  streams::drain());
    });
    CHECK(looked_at < 5'000);
}

TEST_CASE("in every order of the fibers a signal stops the stream and nothing is left behind [X1][X6]") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        test_scheduler s{seed};
        deferred<> stop;
        entries log;
        coir::queue<int> q{coir::bounded(1)};
        INFO("seed " << seed);
        s.run([&]() -> task<> {
            auto feed = [&]() -> task<> {
                for (int i = 0; i < 5; ++i) {
                    co_await q.push(i);
                    co_await coir::yield();
                }
                q.close();
            };
            auto fire = [&]() -> task<> {
                co_await coir::yield();
                co_await coir::yield();
                co_await coir::yield();
                stop.succeed();
            };
            fork(feed);
            fork(fire);
            auto close = finalizer(log);
            auto work = [](int n) -> task<int> {
                co_await coir::yield();
                co_return n;
            };
            auto const v = co_await (streams::from_queue(q) | streams::transform(work) | streams::ensuring(close) |
                                     streams::interrupt_when(stop) | streams::to_vector());
            for (std::size_t i = 0; i < v.size(); ++i) {
                CHECK(v[i] == static_cast<int>(i));
            }
        });
        CHECK(log == entries{"finalizer begins", "finalizer ends"});
        CHECK(stop.waiter_count() == 0);
    }
}

TEST_CASE("the signal is looked at between inner streams, of which some are empty [X4]") {
    deferred<> stop;
    int pulled = 0;
    int made = 0;
    int const others = GENERATE(0, 1); // elements of the inner streams but the first
    CAPTURE(others);
    auto const run = [&]() -> task<> {
        auto count = [&](int) { ++pulled; };
        auto inner = [&](int x) { return ++made, streams::iota(0, x == 0 ? 1 : others); };
        auto fire = [&](int) { stop.succeed(); };
        co_await (streams::iota(0, 5000) | streams::tap(count) | streams::flat_map(inner) |
                  streams::interrupt_when(stop) | streams::for_each(fire));
    };
    test_scheduler s;
    CHECK(s.run(run).is_success());
    CHECK(made == 1);
    CHECK(pulled == 1);
}
