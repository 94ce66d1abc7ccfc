// The edges of streams, interrupted at every step and at every call of the scheduler.
#include "stream_support.hpp"

#include "support/interrupt_everywhere.hpp"

#include <coir/combine.hpp>
#include <coir/scope.hpp>

#include <catch2/catch.hpp>

#include <optional>

using namespace stream_test;
using coir::scope;
using coir::shared_stream;
using coir_test::interrupt_everywhere;
using coir_test::ledger;

namespace {

stream<int> guarded_source(ledger& books, int n) {
    ledger::local const here{books};
    for (int i = 0; i < n; ++i) {
        co_await books.guarded(sleep_for(1ms));
        co_yield i;
    }
}

template <class Source>
task<> read(ledger& books, Source from, std::size_t most) {
    ledger::local const here{books};
    auto look = [&books](int) -> task<> { co_await books.guarded(coir::yield()); };
    co_await (std::move(from) | streams::take(most) | streams::for_each(look));
}

template <class Make>
void everywhere(Make make) {
    auto const moments = interrupt_everywhere([make](ledger& books) -> task<> { co_await make(books); });
    CHECK(moments > 5);
}

} // namespace

TEST_CASE("a stream of callbacks interrupted everywhere [S17][S18][I1]") {
    everywhere([](ledger& b) -> task<> {
        auto produce = [](coir::emitter<int> to) -> task<> {
            for (int i = 0; i < 4; ++i) {
                static_cast<void>(co_await to.emit_when_free(i));
                co_await sleep_for(1ms);
            }
            to.end();
        };
        auto reg = [&b, produce](coir::emitter<int> to) {
            auto const producing = fork(produce, std::move(to));
            auto close = b.finalizer();
            return [close, producing]() -> task<> {
                co_await producing.interrupt();
                co_await close();
            };
        };
        auto look = [&b](int) { return b.guarded(sleep_for(2ms)); };
        co_await (streams::from_callback<int>(coir::bounded(1), reg) | streams::for_each(look));
    });
}

TEST_CASE("an emitter that is awaited by an interrupted fiber leaves the stream alone [S17][I1]") {
    everywhere([](ledger& b) -> task<> {
        std::optional<coir::emitter<int>> to;
        auto consume = [&]() -> task<numbers> {
            auto reg = [&](coir::emitter<int> given) { to.emplace(std::move(given)); };
            co_return co_await (streams::from_callback<int>(coir::bounded(1), reg) | streams::to_vector());
        };
        auto const consuming = fork(consume);
        auto finish = [&]() -> task<> {
            if (to) {
                to->end();
                to.reset();
                auto const got = co_await consuming;
                for (std::size_t i = 0; i != got.size(); ++i) {
                    CHECK(got[i] == static_cast<int>(i));
                }
            }
        };
        auto produce = [&]() -> task<> {
            co_await b.guarded(coir::yield());
            for (int i = 0; i < 5 && to; ++i) {
                static_cast<void>(co_await to->emit_when_free(i));
            }
        };
        co_await coir::ensuring(produce(), finish);
    });
}

TEST_CASE("an interval interrupted everywhere [I1]") {
    everywhere([](ledger& b) {
        return streams::interval(2ms) | streams::take(4) |
               streams::for_each([&b](std::size_t) { return b.guarded(sleep_for(3ms)); });
    });
}

TEST_CASE("a broadcast and its readers interrupted everywhere [S33][S34][I1]") {
    everywhere([](ledger& b) -> task<> {
        auto body = [&b](scope<>& s) -> task<> {
            auto close = b.finalizer();
            auto all = guarded_source(b, 6) | streams::broadcast(s, 2);
            s.add_finalizer(close);
            s.fork(read<shared_stream<int>::source>, std::ref(b), all.subscribe(), 3U);
            s.fork(read<shared_stream<int>::source>, std::ref(b), all.subscribe(), 9U);
            co_await read(b, all.subscribe(), 2);
            co_await s.join();
        };
        co_await coir::with_scope(body);
    });
}

TEST_CASE("readers of a broadcast that goes on elsewhere, interrupted everywhere [S34][I1]") {
    everywhere([](ledger& b) -> task<> {
        // The owner is another fiber, which the reader's interruption does not reach.
        std::optional<shared_stream<int>> all;
        auto own = [&]() -> task<> {
            all.emplace(guarded_source(b, 100) | streams::broadcast(1));
            co_await sleep_for(24h);
        };
        auto const owner = fork(own);
        auto use = [&]() -> task<> {
            co_await coir::yield();
            auto mine = all->subscribe();
            auto unused = all->subscribe();
            auto const a = fork(read<shared_stream<int>::source>, std::ref(b), all->subscribe(), 1U);
            {
                auto gone = std::move(unused);
            }
            co_await read(b, std::move(mine), 3);
            co_await a;
        };
        co_await use();
        co_await owner.interrupt();
    });
}

TEST_CASE("a share whose readers come and go, interrupted everywhere [S35][I1]") {
    bool const lives_on = GENERATE(false, true);
    everywhere([lives_on](ledger& b) -> task<> {
        auto body = [&b, lives_on](scope<>& s) -> task<> {
            auto make = [&b] { return guarded_source(b, 3); };
            auto all = streams::share(s, make, {coir::bounded(1), lives_on ? 4ms : 0ms});
            s.fork(read<shared_stream<int>::source>, std::ref(b), all.subscribe(), 9U);
            co_await read(b, all.subscribe(), 1);
            co_await sleep_for(3ms);
            co_await read(b, all.subscribe(), 2);
            co_await s.join();
        };
        co_await coir::with_scope(body);
    });
}

TEST_CASE("a share and a broadcast of the fiber that reads them, interrupted everywhere [S35][I1]") {
    everywhere([](ledger& b) -> task<> {
        auto use = [&b]() -> task<> {
            auto make = [&b] { return guarded_source(b, 3); };
            auto restarted = streams::share(make);
            auto open = guarded_source(b, 5) | streams::broadcast(1);
            co_await read(b, restarted.subscribe(), 2);
            co_await read(b, open.subscribe(), 1);
            co_await read(b, restarted.subscribe(), 9);
            co_await read(b, open.subscribe(), 2);
        };
        co_await use();
        co_await b.guarded(coir::yield());
    });
}

TEST_CASE("a partition and both its sides interrupted everywhere [I1]") {
    everywhere([](ledger& b) -> task<> {
        auto body = [&b](scope<>& s) -> task<> {
            auto even = [](int n) { return n % 2 == 0; };
            auto sides = guarded_source(b, 7) | streams::partition(s, even, 1);
            s.fork(read<decltype(sides.matching)>, std::ref(b), std::move(sides.matching), 2U);
            co_await read(b, std::move(sides.rest), 9);
            co_await s.join();
        };
        co_await coir::with_scope(body);
    });
}
