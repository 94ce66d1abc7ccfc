// The operators of time, interrupted at every step and at every call of the scheduler: what was
// opened is closed, and no fiber and no timer is left behind.
#include "everywhere_support.hpp"

using namespace stream_test;

namespace {

template <class Stage>
void everywhere_through(Stage stage) {
    everywhere([stage](ledger& b) { return stage(closed_by(b, guarded_source(b, 4))) | streams::drain(); });
}

} // namespace

TEST_CASE("debounce with its options, interrupted everywhere [X21][X27]") {
    everywhere_through([](auto s) { return std::move(s) | streams::debounce(2ms); });
    everywhere_through([](auto s) {
        return std::move(s) | streams::debounce(2ms, streams::debounce_options{.leading = true, .max_wait = 3ms});
    });
}

TEST_CASE("debounce_collect that is flushed, interrupted everywhere [X21][X26]") {
    auto const moments = interrupt_everywhere([](ledger& books) -> task<> {
        streams::flush_handle flush;
        auto flushing = [&flush]() -> task<> {
            co_await sleep_for(3ms);
            flush.flush();
        };
        fork(flushing);
        co_await (closed_by(books, guarded_source(books, 4)) | streams::debounce_collect(5ms, 9ms, 3, flush) |
                  streams::drain());
    });
    CHECK(moments > 10);
}

TEST_CASE("sample, interrupted everywhere [X21][X28]") {
    everywhere_through([](auto s) { return std::move(s) | streams::sample(3ms); });
}

TEST_CASE("chunk_within, interrupted everywhere [X21][X30]") {
    everywhere_through([](auto s) { return std::move(s) | streams::chunk_within(2, 3ms); });
}

TEST_CASE("stages of time in stages of time, interrupted everywhere [X21][X22]") {
    everywhere_through([](auto s) {
        return std::move(s) | streams::sample(1ms) | streams::chunk_within(2, 3ms) | streams::debounce(1ms);
    });
}

TEST_CASE("throttle, interrupted everywhere [X29]") {
    everywhere_through([](auto s) { return std::move(s) | streams::throttle(3ms); });
    everywhere_through([](auto s) {
        return std::move(s) | streams::throttle(3ms, streams::throttle_options{.excess = streams::excess::is_dropped});
    });
    everywhere_through(
        [](auto s) { return std::move(s) | streams::throttle(3ms, streams::throttle_options{.burst = 2}); });
}

TEST_CASE("spaced, interrupted everywhere [I1]") {
    everywhere_through([](auto s) { return std::move(s) | streams::spaced(2ms); });
}

TEST_CASE("timeouts that pass, interrupted everywhere [X33][X34]") {
    everywhere_through([](auto s) { return std::move(s) | streams::timeout(500us); });
    everywhere_through([](auto s) { return std::move(s) | streams::timeout(2500us) | streams::interrupt_after(7ms); });
    auto const moments = interrupt_everywhere([](ledger& books) -> task<> {
        auto const r = co_await coir::as_result(guarded_source(books, 4) | streams::timeout_first(9ms, err{1}) |
                                                streams::timeout_fail(500us, err{2}) | streams::drain());
        CHECK(r.error() == err{2});
    });
    CHECK(moments > 10);
    auto const in_all = interrupt_everywhere([](ledger& books) -> task<> {
        auto const r = co_await coir::as_result(closed_by(books, guarded_source(books, 9)) |
                                                streams::timeout_total(4500us, err{3}) | streams::drain());
        CHECK(r.error() == err{3});
    });
    CHECK(in_all > 10);
}

TEST_CASE("interrupt_after, interrupted everywhere [X13]") {
    everywhere_through([](auto s) { return std::move(s) | streams::interrupt_after(3ms); });
}

TEST_CASE("halt_after and halt_when, interrupted everywhere [X11][X14]") {
    everywhere_through([](auto s) { return std::move(s) | streams::halt_after(3ms); });
    auto const moments = interrupt_everywhere([](ledger& books) -> task<> {
        deferred<> stop;
        auto run = [&]() -> task<> {
            fork(after, 3ms, &stop);
            co_await (guarded_source(books, 9) | streams::halt_when(stop) | streams::drain());
        };
        co_await run();
        CHECK(stop.waiter_count() == 0);
    });
    CHECK(moments > 10);
}

TEST_CASE("a consumer that waits below stages of time, interrupted everywhere [X21][X24]") {
    auto const moments = interrupt_everywhere([](ledger& books) -> task<> {
        auto work = [&books](auto const&) -> task<> { co_await books.guarded(sleep_for(2ms)); };
        co_await (guarded_source(books, 3) | streams::chunk_within(2, 1ms) | streams::for_each(work));
    });
    CHECK(moments > 10);
}

TEST_CASE("a stage of time that has ended has nothing armed [X20][X21]") {
    auto ended = [](auto pipeline) {
        test_scheduler s;
        auto then_wait = [&]() -> task<> {
            co_await (std::move(pipeline) | streams::take(2) | streams::drain());
            deferred<> never_done;
            co_await never_done;
        };
        CHECK_THROWS_AS(s.run(then_wait), coir::deadlock_error); // time would go on to what is armed
        CHECK(s.elapsed() < 1h);
    };
    ended(ticking(10ms, 9) | streams::debounce(5ms, streams::debounce_options{.max_wait = 2h}));
    ended(ticking(10ms, 1) | streams::debounce(2h));
    ended(ticking(10ms, 9) | streams::debounce_collect(2h, 3h, 1));
    ended(ticking(10ms, 9) | streams::sample(50ms));
    ended(ticking(10ms, 9) | streams::chunk_within(1, 2h));
    ended(ticking(10ms, 9) | streams::chunk_within(2, 2h));
    ended(ticking(10ms, 9) | streams::throttle(2min));
    ended(ticking(10ms, 9) | streams::spaced(2min));
    ended(ticking(10ms, 9) | streams::timeout(2h));
    ended(ticking(10ms, 9) | streams::interrupt_after(2h));
    ended(ticking(10ms, 9) | streams::halt_after(2h));
}
