// What is interrupted at every moment: sources and stages that have something open all the time.
#pragma once

#include "stream_support.hpp"

#include "support/interrupt_everywhere.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace stream_test {

using coir_test::interrupt_everywhere;
using coir_test::ledger;

// Waits, with something open on its frame, in an await and in a child.
inline stream<int> guarded_source(ledger& books, int n) {
    ledger::local const here{books};
    auto child = [&books]() -> task<> {
        ledger::local const open{books};
        co_await sleep_for(24h);
    };
    fork(child);
    for (int i = 0; i < n; ++i) {
        co_await books.guarded(sleep_for(1ms));
        co_yield i;
    }
}

// Opens with the first pull and closes with the stream.
template <class S>
auto closed_by(ledger& books, S source) {
    struct state {
        ledger* books;
        std::optional<ledger::local> open;
    };
    auto shared = std::make_shared<state>(state{&books, {}});
    auto open = [shared](int) {
        if (!shared->open) {
            shared->open.emplace(*shared->books);
        }
    };
    auto close = [shared]() -> task<> {
        co_await coir::yield();
        co_await sleep_for(1ms);
        shared->open.reset();
    };
    return std::move(source) | streams::tap(coir::moved(open)) | streams::ensuring(coir::moved(close));
}

template <class Make>
void everywhere(Make make) {
    auto const moments = interrupt_everywhere([make](ledger& books) -> task<> { co_await make(books); });
    CHECK(moments > 5);
}

} // namespace stream_test
