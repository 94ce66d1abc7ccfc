// Every stage, source and sink, interrupted at every step and at every call of the scheduler: all
// that was opened is closed when the fiber has ended, and nothing is left behind.
#include "everywhere_support.hpp"

#include <coir/sync/pubsub.hpp>

using namespace stream_test;

TEST_CASE("a generator interrupted everywhere [S10][I1]") {
    everywhere([](ledger& b) { return closed_by(b, guarded_source(b, 3)) | streams::drain(); });
}

TEST_CASE("an erased pipeline interrupted everywhere [S10][I1]") {
    everywhere([](ledger& b) { return stream<long>{closed_by(b, guarded_source(b, 3))} | streams::drain(); });
}

TEST_CASE("functions that are awaited, interrupted everywhere [S13][I1]") {
    everywhere([](ledger& b) {
        auto work = [&b](int n) -> task<int> {
            co_await b.guarded(coir::yield());
            co_return n;
        };
        auto look = [&b](int) -> task<> { co_await b.guarded(coir::yield()); };
        return closed_by(b, counting(2)) | streams::transform(work) | streams::tap(look) |
               streams::filter([](int n) { return n != 0; }) | streams::for_each(look);
    });
}

TEST_CASE("take and fold interrupted everywhere [S2][I1]") {
    everywhere([](ledger& b) {
        return closed_by(b, guarded_source(b, 100)) | streams::take(2) |
               streams::tap([](int) { return coir::yield(); }) | streams::drain();
    });
}

TEST_CASE("interrupt_when, interrupted everywhere itself [X1][X6]") {
    everywhere([](ledger& b) -> task<> {
        deferred<> stop;
        auto run = [](ledger& books, deferred<>& signal) -> task<> {
            fork(after, 4ms, &signal);
            co_await (closed_by(books, guarded_source(books, 100)) | streams::interrupt_when(signal) |
                      streams::drain());
        };
        co_await run(b, stop);
        CHECK(stop.waiter_count() == 0);
    });
}

TEST_CASE("nested interrupt_when around masks, interrupted everywhere [X10][I3]") {
    everywhere([](ledger& b) -> task<> {
        deferred<> stop;
        deferred<> never_done;
        fork(after, 5ms, &stop);
        auto save = [&b](int n) -> task<int> {
            co_await b.guarded(sleep_for(1ms));
            co_return n;
        };
        auto masked = [&](int n) { return coir::uninterruptible(save(n)); };
        co_await (closed_by(b, counting(9)) | streams::transform(masked) | streams::interrupt_when(never_done) |
                  streams::transform(save) | streams::interrupt_when(stop) | streams::drain());
    });
}

TEST_CASE("debounce interrupted everywhere [X21]") {
    everywhere(
        [](ledger& b) { return closed_by(b, guarded_source(b, 4)) | streams::debounce(2ms) | streams::drain(); });
}

TEST_CASE("debounce_collect interrupted everywhere [X21][X25]") {
    everywhere([](ledger& b) {
        return closed_by(b, guarded_source(b, 4)) | streams::debounce_collect(2ms, 5ms, 2) | streams::drain();
    });
}

TEST_CASE("from_queue interrupted everywhere [S14]") {
    everywhere([](ledger& b) -> task<> {
        coir::queue<int> q{coir::bounded(1)};
        auto feed = [&]() -> task<> {
            for (int i = 0; i < 3; ++i) {
                co_await q.push(i);
                co_await sleep_for(1ms);
            }
            q.close();
        };
        fork(feed);
        co_await (closed_by(b, streams::from_queue(q)) | streams::drain());
    });
}

TEST_CASE("from_pubsub interrupted everywhere [S14]") {
    everywhere([](ledger& b) -> task<> {
        coir::pubsub<int> events{coir::bounded(1)};
        auto mine = events.subscribe();
        auto publish = [&]() -> task<> {
            for (int i = 0; i < 3; ++i) {
                co_await events.publish(i);
                co_await sleep_for(1ms);
            }
            events.close();
        };
        auto run = [&]() -> task<> {
            fork(publish);
            co_await (closed_by(b, streams::from_pubsub(mine)) | streams::drain());
        };
        co_await run();
    });
}

TEST_CASE("with_stream interrupted everywhere [S15][S16]") {
    everywhere([](ledger& b) -> task<> {
        auto body = [&b](auto& in) -> task<> {
            while (auto n = co_await next(in)) {
                co_await b.guarded(coir::yield());
                if (*n == 1) {
                    break;
                }
            }
            co_await b.guarded(sleep_for(1ms));
        };
        co_await coir::with_stream(closed_by(b, guarded_source(b, 9)), body);
    });
}

TEST_CASE("decoders interrupted everywhere [S36]") {
    everywhere([](ledger& b) -> task<> {
        auto text = [](int n) { return std::string(static_cast<std::size_t>(n), 'x') + "\n"; };
        auto const r = co_await coir::as_result(closed_by(b, guarded_source(b, 3)) | streams::transform(text) |
                                                streams::decode_utf8() | streams::split_lines() | streams::drain());
        CHECK(r.has_value());
    });
    everywhere([](ledger& b) -> task<> {
        auto text = [](int n) { return "{\"n\":" + std::to_string(n) + "}\n{"; };
        auto const r = co_await coir::as_result(closed_by(b, guarded_source(b, 3)) | streams::transform(text) |
                                                streams::split_json_lines() | streams::drain());
        CHECK(r.has_value());
    });
    everywhere([](ledger& b) -> task<> {
        auto text = [](int n) { return "data: " + std::to_string(n) + "\n\ndata: cut"; };
        auto const r = co_await coir::as_result(closed_by(b, guarded_source(b, 3)) | streams::transform(text) |
                                                streams::server_sent_events() | streams::drain());
        CHECK(r.has_value());
    });
}
