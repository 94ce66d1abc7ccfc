// Every sequential operator, interrupted at every step and at every call of the scheduler: all that
// was opened is closed when the fiber has ended, and nothing is left behind.
#include "everywhere_support.hpp"

#include <coir/schedule.hpp>

#include <catch2/catch.hpp>

using namespace stream_test;

namespace {

auto const yes = [](auto const&) { return true; };
auto const no = [](auto const&) { return false; };

} // namespace

TEST_CASE("take_while, take_until, drop and drop_while interrupted everywhere [S4][S6][I1]") {
    everywhere([](ledger& b) {
        return closed_by(b, guarded_source(b, 9)) | streams::drop(1) | streams::drop_while(no) |
               streams::take_while([](int n) { return n < 3; }) | streams::drain();
    });
    everywhere([](ledger& b) {
        return closed_by(b, guarded_source(b, 9)) | streams::take_while(yes) |
               streams::take_until([](int n) { return n == 1; }) | streams::drain();
    });
}

TEST_CASE("filter with a task interrupted everywhere [S5][I1]") {
    everywhere([](ledger& b) {
        auto odd = [&b](int n) -> task<bool> {
            co_await b.guarded(sleep_for(1ms));
            co_return n % 2 == 1;
        };
        return closed_by(b, guarded_source(b, 3)) | streams::filter(odd) | streams::drain();
    });
}

TEST_CASE("scan, enumerate, changes, chunk and adjacent interrupted everywhere [S30][I1]") {
    everywhere([](ledger& b) {
        return closed_by(b, guarded_source(b, 3)) | streams::scan(0, [](int x, int y) { return x + y; }) |
               streams::changes() | streams::adjacent() | streams::chunk(2) | streams::enumerate() |
               streams::tap([](auto const&) { return coir::yield(); }) | streams::drain();
    });
}

TEST_CASE("unfold and from_task interrupted everywhere [S10][I1]") {
    everywhere([](ledger& b) {
        auto next = [&b](int& n) -> task<std::optional<int>> {
            co_await b.guarded(sleep_for(1ms));
            co_return n > 0 ? std::optional{n--} : std::nullopt;
        };
        return closed_by(b, streams::unfold(2, next)) | streams::drain();
    });
    everywhere([](ledger& b) {
        auto work = [&b]() -> task<int> {
            co_await b.guarded(sleep_for(1ms));
            co_return 1;
        };
        return closed_by(b, streams::from_task(coir::moved(work))) | streams::drain();
    });
}

TEST_CASE("concat interrupted everywhere [S9][I1]") {
    everywhere([](ledger& b) {
        return streams::concat(closed_by(b, guarded_source(b, 2)), closed_by(b, guarded_source(b, 1)),
                               closed_by(b, counting(1))) |
               streams::drain();
    });
}

TEST_CASE("a stream that never ends, interrupted everywhere and stopped [I1][X6]") {
    everywhere([](ledger& b) -> task<> {
        deferred<> stop;
        fork(after, 4ms, &stop);
        co_await (streams::concat(closed_by(b, guarded_source(b, 1)), streams::never_ends<int>()) |
                  streams::interrupt_when(stop) | streams::drain());
        CHECK(stop.waiter_count() == 0);
    });
}

TEST_CASE("flat_map and join interrupted everywhere [S11][I1]") {
    everywhere([](ledger& b) {
        auto inner = [&b](int n) { return closed_by(b, guarded_source(b, n)); };
        return closed_by(b, guarded_source(b, 3)) | streams::flat_map(inner) | streams::drain();
    });
    everywhere([](ledger& b) {
        auto inner = [&b](int n) { return closed_by(b, guarded_source(b, n)); };
        return streams::iota(1, 9) | streams::transform(inner) | streams::join() | streams::take(3) | streams::drain();
    });
}

TEST_CASE("flat_map within masks and signals, interrupted everywhere [X10][I3]") {
    everywhere([](ledger& b) -> task<> {
        deferred<> stop;
        deferred<> never_done;
        fork(after, 6ms, &stop);
        auto inner = [&](int n) { return closed_by(b, guarded_source(b, n)) | streams::interrupt_when(never_done); };
        co_await (closed_by(b, guarded_source(b, 9)) | streams::flat_map(inner) | streams::interrupt_when(stop) |
                  streams::drain());
        CHECK(stop.waiter_count() == 0);
        CHECK(never_done.waiter_count() == 0);
    });
    everywhere([](ledger& b) -> task<> {
        auto inner = [&](int n) { return closed_by(b, guarded_source(b, n)); };
        co_await coir::uninterruptible(closed_by(b, guarded_source(b, 2)) | streams::flat_map(inner) |
                                       streams::drain());
    });
}

TEST_CASE("or_else, transform_error and as_results interrupted everywhere [S8][I1]") {
    everywhere([](ledger& b) {
        auto other = [&b](err) { return closed_by(b, guarded_source(b, 1)); };
        return closed_by(b, streams::concat(guarded_source(b, 1), streams::fail_with<int>(1))) |
               streams::transform_error([](int code) { return err{code}; }) | streams::or_else(other) |
               streams::drain();
    });
    everywhere([](ledger& b) {
        return closed_by(b, streams::concat(guarded_source(b, 1), streams::fail_with<int>(1))) | streams::as_results() |
               streams::tap([](auto const&) { return coir::yield(); }) | streams::drain();
    });
}

TEST_CASE("retry, repeat and forever interrupted everywhere [S38][S40][I1]") {
    everywhere([](ledger& b) -> task<> {
        auto attempt = [&b] { return closed_by(b, streams::concat(guarded_source(b, 1), streams::fail_with<int>(1))); };
        auto const r = co_await coir::as_result(streams::retry(attempt, coir::spaced(1ms) && coir::recurs(2)) |
                                                streams::take(3) | streams::drain());
        static_cast<void>(r);
    });
    everywhere([](ledger& b) -> task<> {
        auto attempt = [&b] {
            auto wait = [&b]() -> task<int, err> {
                co_await b.guarded(sleep_for(1ms));
                co_return coir::fail<err>(1);
            };
            return closed_by(b, streams::from_task(coir::moved(wait)));
        };
        auto const r = co_await coir::as_result(
            streams::retry_if_nothing_emitted(attempt, coir::spaced(1ms) && coir::recurs(2)) | streams::drain());
        CHECK(r.error() == err{1});
    });
    everywhere([](ledger& b) {
        auto again = [&b] { return closed_by(b, guarded_source(b, 1)); };
        return streams::repeat(again, coir::spaced(1ms) && coir::recurs(2)) | streams::drain();
    });
    everywhere([](ledger& b) {
        auto again = [&b] { return closed_by(b, guarded_source(b, 1)); };
        return streams::forever(again) | streams::take(3) | streams::drain();
    });
}

TEST_CASE("on_exit and acquire_release interrupted everywhere [S10][S12][I1]") {
    everywhere([](ledger& b) {
        // Told once, and only of what began.
        auto told = std::make_shared<int>(0);
        auto tell = [told](coir::outcome<void> const&) -> task<> {
            co_await coir::yield();
            CHECK(++*told == 1);
        };
        return closed_by(b, guarded_source(b, 2)) | streams::on_exit(coir::moved(tell)) | streams::drain();
    });
    everywhere([](ledger& b) {
        auto acquire = [&b]() -> task<std::unique_ptr<ledger::local>> {
            co_await b.guarded(sleep_for(1ms));
            co_return std::make_unique<ledger::local>(b);
        };
        auto release = [](std::unique_ptr<ledger::local>& held) -> task<> {
            co_await sleep_for(1ms);
            held.reset();
        };
        auto use = [&b](auto const&) { return closed_by(b, guarded_source(b, 2)); };
        return streams::acquire_release(acquire, release) | streams::flat_map(use) | streams::drain();
    });
}

TEST_CASE("sinks that stop early, or wait for room, interrupted everywhere [S2][S14][I1]") {
    everywhere([](ledger& b) -> task<> {
        auto const n = co_await (closed_by(b, guarded_source(b, 9)) | streams::first());
        CHECK(n == 0);
    });
    everywhere([](ledger& b) -> task<> {
        auto const n = co_await (closed_by(b, guarded_source(b, 2)) | streams::last());
        CHECK(n == 1);
    });
    everywhere([](ledger& b) -> task<> {
        coir::queue<int> q{coir::bounded(1)};
        auto take = [&]() -> task<> {
            while (co_await q.pop()) {
                co_await sleep_for(3ms);
            }
        };
        fork(take);
        auto const n = co_await (closed_by(b, guarded_source(b, 3)) | streams::into(q, streams::and_close));
        CHECK(n == 3);
        CHECK(q.is_closed());
    });
}
