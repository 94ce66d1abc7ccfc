// Streams that end in each possible way, and what must be seen of it.
#pragma once

#include "stream_support.hpp"

#include <catch2/catch.hpp>

namespace stream_test {

// Counts how often it is pulled and closed.
struct watched {
    using value_type = int;
    using error_type = coir::never;

    coir::detail::status poll_next(coir::detail::fiber_base&, std::optional<int>& out) {
        out = ++*pulls;
        return coir::detail::status::value;
    }
    coir::detail::status poll_close(coir::detail::fiber_base&) {
        ++*closes;
        return coir::detail::status::value;
    }
    std::exception_ptr defect() const { return nullptr; }
    coir::fiber_id interrupted_by() const { return {}; }

    int* pulls;
    int* closes;
};

enum class how { end, failure, defect, interrupted, cancelled, stopped_early };
inline constexpr how all_endings[] = {how::end,         how::failure,   how::defect,
                                      how::interrupted, how::cancelled, how::stopped_early};

// The third pull ends so.
inline task<int, err> third(how ending) {
    switch (ending) {
    case how::failure: co_await coir::fail<err>(3); break;
    case how::defect: throw std::runtime_error{"third"};
    case how::interrupted: {
        deferred<> d;
        d.interrupt();
        co_await d;
        break;
    }
    case how::cancelled: co_await sleep_for(24h); break;
    default: break;
    }
    co_return 3;
}

inline auto fused(how ending, entries& log) {
    auto give = [ending](int n) -> task<int, err> {
        if (n < 3) {
            co_return n;
        }
        co_return co_await third(ending);
    };
    return streams::from(numbers{1, 2, 3}) | streams::ensuring(finalizer(log, "source")) | streams::transform(give);
}

template <class S>
task<> run_to_its_end(S source, how ending, entries& log) {
    auto note = [&log](int n) { log.push_back(std::to_string(n)); };
    auto run = [&](S s) -> task<void, err> {
        auto outer = finalizer(log, "outer");
        co_await (std::move(s) | streams::ensuring(outer) | streams::take(ending == how::stopped_early ? 2 : 100) |
                  streams::for_each(note));
    };
    auto const f = fork(run, std::move(source));
    co_await sleep_for(20ms);
    f.request_interrupt(); // only the one that is to be cancelled still runs
    auto const& end = co_await f.await();
    log.push_back("seen");
    CHECK(end.is_success() == (ending == how::end || ending == how::stopped_early));
    CHECK(end.is_failure() == (ending == how::failure));
    CHECK(end.is_defect() == (ending == how::defect));
    CHECK(end.is_interrupted() == (ending == how::interrupted || ending == how::cancelled));
    CHECK(end.suppressed().empty());
    if (end.is_failure()) {
        CHECK(end.error() == err{3});
    }
}

} // namespace stream_test
