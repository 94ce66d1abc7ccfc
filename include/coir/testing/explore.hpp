// Runs a scenario under many schedules, and says which seed makes it fail.
//
//     coir::explore(1000, [](coir::test_scheduler& s) -> coir::task<> {
//         auto a = coir::fork(writer);
//         auto b = coir::fork(reader);
//         co_await a;
//         co_await b;
//     });
//
// COIR_SEEDS=n in the environment runs n seeds; COIR_SEED=n runs that one alone, exactly as it
// ran among the others.
#pragma once

#include <coir/testing/test_scheduler.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <unordered_set>

namespace coir::inline v0 {

struct exploration {
    std::size_t runs = 0;
    std::size_t distinct = 0; // schedules
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

template <class Body>
concept task_of_scheduler = requires(Body& body, test_scheduler& s) {
    { body(s) } -> awaitable;
};

template <class Body>
concept explorable = work<Body> || std::invocable<Body&, test_scheduler&>;

template <explorable Body>
void run_body(test_scheduler& s, Body& body) {
    if constexpr (work<Body>) {
        static_cast<void>(s.run([&] { return body(); }).value());
    } else if constexpr (task_of_scheduler<Body>) {
        static_cast<void>(s.run([&] { return body(s); }).value());
    } else {
        body(s);
    }
}

template <explorable Body>
std::uint64_t run_seed(std::uint64_t seed, Body& body) {
    test_scheduler s{seed};
    try {
        run_body(s, body);
    } catch (...) {
        auto const n = static_cast<unsigned long long>(seed);
        std::fprintf(stderr, "coir: seed %llu fails; COIR_SEED=%llu runs it alone\n", n, n);
        throw;
    }
    return s.schedule_hash();
}

// Zero and what is no number count as not set: a typing error must not run nothing.
inline std::optional<std::uint64_t> seed_variable(char const* name) noexcept {
    char const* const text = std::getenv(name);
    std::uint64_t const value = text != nullptr ? std::strtoull(text, nullptr, 10) : 0;
    return value != 0 ? std::optional{value} : std::nullopt;
}

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// Runs `body` with a fresh test_scheduler for each of the seeds 1 to `seeds`. The body is a
// function of a test_scheduler&, which runs what it likes there; or it returns a task, with or
// without that argument, which is run and must succeed. What it throws ends the exploration,
// after the seed was printed to stderr. With assertions that do not throw, print s.seed().
template <detail::explorable Body>
exploration explore(std::uint64_t seeds, Body body) {
    auto const only = detail::seed_variable("COIR_SEED");
    std::uint64_t const first = only.value_or(1);
    std::uint64_t const last = only.value_or(detail::seed_variable("COIR_SEEDS").value_or(seeds));
    std::unordered_set<std::uint64_t> schedules;
    exploration done;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        schedules.insert(detail::run_seed(seed, body));
        ++done.runs;
    }
    done.distinct = schedules.size();
    return done;
}

} // namespace coir::inline v0
