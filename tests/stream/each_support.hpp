// A pipeline in the loop of fused stages, and the same one pulled one by one: what they have to have
// in common.
#pragma once

#include "stream_support.hpp"

#include <catch2/catch.hpp>

namespace stream_test {

// Has poll_next only, and so has all that is above it.
template <class Up>
class one_by_one : public coir::detail::stage<Up> {
public:
    using coir::detail::stage<Up>::stage;
    coir::detail::status poll_next(coir::detail::fiber_base& f, std::optional<typename Up::value_type>& out) {
        ++pulls;
        return this->up_.poll_next(f, out);
    }
    static inline int pulls = 0;
};

struct in_a_loop {
    template <class S>
    auto operator()(S&& s) const {
        return std::forward<S>(s);
    }
};
struct pulled {
    template <class S>
    auto operator()(S&& s) const {
        return std::forward<S>(s) | coir::detail::make_stage<one_by_one>();
    }
};

// What its functions are called with, and how it ended. One of the calls throws.
struct record {
    void note(char const* who, int x) {
        log.push_back(who + std::to_string(x));
        if (--calls_left == 0) {
            throw std::runtime_error{"thrown"};
        }
    }
    entries log;
    int calls_left;
};

// `run(log, how)`: how(pipeline) is what the sink is given.
template <class Run>
entries logged(Run& run, auto how, int throwing_call) {
    test_scheduler s;
    record r{{}, throwing_call};
    auto const end = s.run([&]() -> task<int, err> { co_return co_await run(r, how); });
    if (end.is_success()) {
        r.log.push_back("= " + std::to_string(end.value()));
    } else {
        r.log.push_back(end.is_failure() ? "failed" : end.is_defect() ? message_of(end.defect()) : "interrupted");
    }
    return r.log;
}

// The same when nothing throws, and when any of the calls does.
template <class Run>
void check_same(Run run) {
    std::size_t calls = 0;
    for (int throwing_call = 0; throwing_call <= static_cast<int>(calls); ++throwing_call) {
        auto const expected = logged(run, pulled{}, throwing_call);
        CHECK(logged(run, in_a_loop{}, throwing_call) == expected);
        calls = throwing_call == 0 ? expected.size() : calls;
    }
    CHECK(calls > 0);
}

} // namespace stream_test
