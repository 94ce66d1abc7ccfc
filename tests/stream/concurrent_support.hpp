// Sources that tests of concurrent stages are cast with.
#pragma once

#include "stream_support.hpp"

#include <memory>
#include <string>

namespace stream_test {

// Writes down what is pulled and how it is left.
inline stream<int> traced(entries& log, std::string name, std::chrono::milliseconds period, int n) {
    leaving const left{log, name + " left"};
    for (int i = 1; i <= n; ++i) {
        co_await sleep_for(period);
        log.push_back(name + std::to_string(i));
        co_yield i;
    }
}

inline stream<int, err> fails_after(std::chrono::milliseconds d, int code) {
    co_await sleep_for(d);
    co_await coir::fail<err>(code);
    co_yield 0;
}

inline stream<int> throws_after(std::chrono::milliseconds d) {
    co_await sleep_for(d);
    throw std::runtime_error{"boom"};
    co_yield 0;
}

inline stream<int> interrupted_after(std::chrono::milliseconds d) {
    co_await sleep_for(d);
    deferred<> gone;
    gone.interrupt();
    co_await gone;
    co_yield 0;
}

inline stream<int> never_gives() {
    deferred<> never;
    co_await never;
    co_yield 0;
}

// How many elements have passed; the counter outlives the stream.
inline auto counting_into(int& count) {
    auto count_it = [&count](auto const&) { ++count; };
    return streams::tap(coir::moved(count_it));
}

template <class S>
task<std::vector<typename S::value_type>, typename S::error_type> collect(S source) {
    co_return co_await (std::move(source) | streams::to_vector());
}

} // namespace stream_test
