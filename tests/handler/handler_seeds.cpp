// The handler's promises under many schedules of random sessions, and its rules broken one by one.
#include "model/scenario.hpp"
#include "support/effort.hpp"

#include <coir/testing/explore.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <sstream>

using namespace handler_model;

namespace {

std::string joined(violations const& all) {
    std::string text;
    for (auto const& v : all) {
        text += v + "\n";
    }
    return text;
}

// What a run with these rules did wrong.
template <class Rules>
violations violations_of(std::uint64_t seed) {
    observation seen;
    violations found;
    coir::test_scheduler s{seed};
    try {
        run_scenario<Rules>(s, scenario(seed), seen);
    } catch (coir::stuck_error const& e) {
        found.emplace_back(e.what());
    }
    std::ranges::move(check(seen), std::back_inserter(found));
    return found;
}

// Seeds until the first violation that names one of `numbers`; none if there is no such.
template <class Rules>
unsigned seeds_until_found(std::initializer_list<std::string_view> numbers) {
    unsigned const most = (std::max)(coir_test::seeds(), 500U);
    for (unsigned seed = 1; seed <= most; ++seed) {
        for (auto const& v : violations_of<Rules>(seed)) {
            if (std::ranges::any_of(numbers, [&](auto n) { return v.find(n) != std::string::npos; })) {
                return seed;
            }
        }
    }
    return 0;
}

// How many of the first seeds see anything wrong, for the report.
template <class Rules>
unsigned seeds_that_see(unsigned of) {
    unsigned n = 0;
    for (unsigned seed = 1; seed <= of; ++seed) {
        n += violations_of<Rules>(seed).empty() ? 0 : 1;
    }
    return n;
}

template <class Rules>
void must_be_found(char const* defect, std::initializer_list<std::string_view> numbers) {
    unsigned const first = seeds_until_found<Rules>(numbers);
    std::printf("%s: found by seed %u; %u of the first 100 seeds see something\n", defect, first,
                seeds_that_see<Rules>(100));
    CHECK(first != 0);
}

// ---- The defects, by their numbers in the list of bugs.

struct partial_from_a_snapshot : chat::sound_rules { // A2
    static constexpr bool reads_partial_after_the_end = false;
};
struct no_wait_for_the_end : chat::sound_rules { // A3, A12
    static constexpr bool waits_for_the_end = false;
};
struct stale_clean_up : chat::sound_rules { // A4, A9
    static constexpr bool ignores_stale_ends = false;
};
struct unanswered_inputs_dropped : chat::sound_rules { // A7
    static constexpr bool asks_unanswered_inputs_again = false;
};
struct failure_leaves_the_request : chat::sound_rules { // A10
    static constexpr bool forgets_failed_requests = false;
};
struct no_max_wait : chat::sound_rules { // A19
    static constexpr bool bounds_the_wait = false;
};
struct partial_not_kept : chat::sound_rules { // A20
    static constexpr bool keeps_the_partial_answer = false;
};

std::string log_of(std::uint64_t seed) {
    observation seen;
    coir::test_scheduler s{seed};
    run_scenario(s, scenario(seed), seen);
    std::ostringstream out;
    for (auto const& line : lines(seen.readers.front().events)) {
        out << line << '\n';
    }
    out << "schedule " << s.schedule_hash() << '\n';
    return out.str();
}

} // namespace

TEST_CASE("every schedule of a random session keeps what the handler promises "
          "[H2][H3][H4][H5][H6][H8][H9][H11][H12][H13][H14][H15][H16][H17][H18][H19]") {
    std::size_t requests = 0;
    std::size_t events = 0;
    auto const e = coir::explore(coir_test::seeds(), [&](coir::test_scheduler& s) {
        observation seen;
        run_scenario(s, scenario(*s.seed()), seen);
        requests += seen.plans.size();
        events += seen.readers.front().events.size();
        if (auto const wrong = check(seen); !wrong.empty()) {
            throw std::logic_error(joined(wrong));
        }
    });
    std::printf("handler: %zu seeds, %zu distinct schedules, %zu requests, %zu events\n", e.runs, e.distinct, requests,
                events);
    CHECK(requests > e.runs);
    CHECK(2 * e.distinct > e.runs);
}

TEST_CASE("a partial answer that is read before the end of the request is found [A2][H4]") {
    must_be_found<partial_from_a_snapshot>("A2, a partial from a snapshot", {"H4"});
}
TEST_CASE("a handler that does not wait for the end of a request is found [A3][A12][H5][H11]") {
    must_be_found<no_wait_for_the_end>("A3/A12, no wait for the end", {"H5", "H11"});
}
TEST_CASE("the late end of an old request that ends the next one is found [A4][A9][H12]") {
    must_be_found<stale_clean_up>("A4/A9, stale clean-up", {"H12"});
}
TEST_CASE("inputs dropped with an unanswered request are found [A7][H9]") {
    must_be_found<unanswered_inputs_dropped>("A7, inputs of an unanswered request dropped", {"H9"});
}
TEST_CASE("a failed request that stays is found [A10][H13]") {
    must_be_found<failure_leaves_the_request>("A10, a failure leaves the request", {"H6"});
}
TEST_CASE("a wait without a bound is found [A19][H17]") { must_be_found<no_max_wait>("A19, no max_wait", {"H17"}); }
TEST_CASE("a partial answer that does not get into the conversation is found [A20][H19]") {
    must_be_found<partial_not_kept>("A20, the partial answer is not kept", {"H19"});
}

// Two processes run this, and their outputs are compared.
TEST_CASE("the log of some seeds", "[.log]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        std::string const log = log_of(seed);
        CHECK(log == log_of(seed));
        std::cout << "seed " << seed << '\n' << log;
    }
}
