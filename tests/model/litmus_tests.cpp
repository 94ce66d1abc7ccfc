// The memory model shows exactly the outcomes that C++20 allows for the classic programs.
#include "explorer.hpp"

#include <coir/detail/atomic.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <string>

namespace {

using coir::detail::atomic;
using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

// A set of small numbers; the program under test may not allocate what outlives its schedule.
class outcomes {
public:
    void add(std::size_t outcome) { seen_.at(outcome) = true; }
    [[nodiscard]] std::string text() const {
        std::string all;
        for (std::size_t i = 0; i < seen_.size(); ++i)
            if (seen_[i]) all += (all.empty() ? "" : " ") + std::to_string(i);
        return all;
    }

private:
    std::array<bool, 10000> seen_{};
};

struct shared_words {
    atomic<int> x{0};
    atomic<int> y{0};
    atomic<int> z{0};
};

using results = std::array<int, 4>;

// Runs the threads on shared words and returns every outcome as a decimal number: "10" is
// r[0] = 1 and r[1] = 0, for as many results as asked for. They lie outside of the schedule.
template <class... Threads>
std::string litmus(std::size_t count, std::size_t deviations, Threads... threads) {
    outcomes seen;
    results r{};
    const auto explored = model::explore({.preemptions = 3, .deviations = deviations}, [&](model::run& run) {
        auto* words = new shared_words;
        model::label(words->x, "x");
        model::label(words->y, "y");
        (run.thread("t", [=, &r] { threads(*words, r); }), ...);
        run.finally([=, &seen, &r] {
            if (count == 0) r = {words->x.load(), words->y.load()};
            std::size_t outcome = 0;
            for (std::size_t i = 0; i < (count == 0 ? 2 : count); ++i) outcome = outcome * 10 + static_cast<std::size_t>(r[i]);
            seen.add(outcome);
            delete words;
        });
    });
    INFO(explored.text());
    CHECK(explored.complete);
    CHECK_FALSE(explored.failure);
    return seen.text();
}

// Asks for the final values of x and y instead of results.
constexpr std::size_t final_values = 0;

} // namespace

TEST_CASE("SB: both loads may miss both stores unless all are seq_cst") {
    const auto run = [](std::memory_order order_store, std::memory_order order_load, std::size_t deviations) {
        return litmus(
            2, deviations,
            [=](shared_words& w, results& r) {
                w.x.store(1, order_store);
                r[0] = w.y.load(order_load);
            },
            [=](shared_words& w, results& r) {
                w.y.store(1, order_store);
                r[1] = w.x.load(order_load);
            });
    };
    CHECK(run(memory_order_relaxed, memory_order_relaxed, 2) == "0 1 10 11");
    CHECK(run(memory_order_release, memory_order_acquire, 2) == "0 1 10 11");
    CHECK(run(memory_order_seq_cst, memory_order_acquire, 2) == "0 1 10 11");
    CHECK(run(memory_order_seq_cst, memory_order_seq_cst, 2) == "1 10 11");
    CHECK(run(memory_order_relaxed, memory_order_relaxed, 0) == "1 10 11");
}

TEST_CASE("SB with seq_cst fences: one of the loads sees a store") {
    const auto run = [](std::memory_order order) {
        return litmus(
            2, 3,
            [=](shared_words& w, results& r) {
                w.x.store(1, memory_order_relaxed);
                model::fence(order);
                r[0] = w.y.load(memory_order_relaxed);
            },
            [=](shared_words& w, results& r) {
                w.y.store(1, memory_order_relaxed);
                model::fence(order);
                r[1] = w.x.load(memory_order_relaxed);
            });
    };
    CHECK(run(memory_order_seq_cst) == "1 10 11");
    CHECK(run(memory_order_acq_rel) == "0 1 10 11");
}

TEST_CASE("MP: release and acquire pass on what was written before, relaxed does not") {
    const auto run = [](std::memory_order order_store, std::memory_order order_load) {
        return litmus(
            2, 3,
            [=](shared_words& w, results&) {
                w.x.store(1, memory_order_relaxed);
                w.y.store(1, order_store);
            },
            [=](shared_words& w, results& r) {
                r[0] = w.y.load(order_load);
                r[1] = w.x.load(memory_order_relaxed);
            });
    };
    CHECK(run(memory_order_release, memory_order_acquire) == "0 1 11");
    CHECK(run(memory_order_relaxed, memory_order_acquire) == "0 1 10 11");
    CHECK(run(memory_order_release, memory_order_relaxed) == "0 1 10 11");
    CHECK(run(memory_order_relaxed, memory_order_relaxed) == "0 1 10 11");
}

TEST_CASE("MP with fences around relaxed accesses is as good as release and acquire") {
    const auto run = [](bool release, bool acquire) {
        return litmus(
            2, 3,
            [=](shared_words& w, results&) {
                w.x.store(1, memory_order_relaxed);
                if (release) model::fence(memory_order_release);
                w.y.store(1, memory_order_relaxed);
            },
            [=](shared_words& w, results& r) {
                r[0] = w.y.load(memory_order_relaxed);
                if (acquire) model::fence(memory_order_acquire);
                r[1] = w.x.load(memory_order_relaxed);
            });
    };
    CHECK(run(true, true) == "0 1 11");
    CHECK(run(false, true) == "0 1 10 11");
    CHECK(run(true, false) == "0 1 10 11");
}

TEST_CASE("a relaxed read-modify-write continues a release sequence, a plain store ends it") {
    const auto run = [](bool modify) {
        return litmus(
            2, 3,
            [](shared_words& w, results&) {
                w.x.store(1, memory_order_relaxed);
                w.y.store(1, memory_order_release);
            },
            [=](shared_words& w, results&) {
                if (w.y.load(memory_order_relaxed) != 1) return;
                if (modify) w.y.fetch_add(1, memory_order_relaxed);
                else w.y.store(2, memory_order_relaxed);
            },
            [](shared_words& w, results& r) {
                r[0] = w.y.load(memory_order_acquire);
                r[1] = w.x.load(memory_order_relaxed);
            });
    };
    CHECK(run(true) == "0 1 11 21");
    CHECK(run(false) == "0 1 11 20 21");
}

TEST_CASE("CoRR: two loads of one location never go backwards") {
    const auto seen = litmus(
        2, 4, [](shared_words& w, results&) { w.x.store(1, memory_order_relaxed); },
        [](shared_words& w, results&) { w.x.store(2, memory_order_relaxed); },
        [](shared_words& w, results& r) {
            r[0] = w.x.load(memory_order_relaxed);
            r[1] = w.x.load(memory_order_relaxed);
        });
    // 12 and 21 both, as the stores race; but never back to 0.
    CHECK(seen == "0 1 2 11 12 21 22");
}

TEST_CASE("CoRR2: two readers agree on the order of the stores of one location") {
    const auto reader = [](std::size_t at) {
        return [at](shared_words& w, results& r) {
            r[at] = w.x.load(memory_order_relaxed);
            r[at + 1] = w.x.load(memory_order_relaxed);
        };
    };
    const auto seen = ' ' + litmus(
        4, 3, [](shared_words& w, results&) { w.x.store(1, memory_order_relaxed); },
        [](shared_words& w, results&) { w.x.store(2, memory_order_relaxed); }, reader(0), reader(2)) + ' ';
    CHECK(seen.find(" 1212 ") != std::string::npos);
    CHECK(seen.find(" 2121 ") != std::string::npos);
    CHECK(seen.find(" 1221 ") == std::string::npos);
    CHECK(seen.find(" 2112 ") == std::string::npos);
}

TEST_CASE("2+2W: both first stores may win unless all are seq_cst") {
    const auto run = [](std::memory_order order) {
        return litmus(
            final_values, 3,
            [=](shared_words& w, results&) {
                w.x.store(1, order);
                w.y.store(2, order);
            },
            [=](shared_words& w, results&) {
                w.y.store(1, order);
                w.x.store(2, order);
            });
    };
    CHECK(run(memory_order_relaxed) == "11 12 21 22");
    CHECK(run(memory_order_release) == "11 12 21 22");
    CHECK(run(memory_order_seq_cst) == "12 21 22");
}

TEST_CASE("IRIW: independent readers agree on the order of writes only if all is seq_cst") {
    const auto run = [](std::memory_order order_store, std::memory_order order_load) {
        const auto seen = ' ' + litmus(
            4, 2, [=](shared_words& w, results&) { w.x.store(1, order_store); },
            [=](shared_words& w, results&) { w.y.store(1, order_store); },
            [=](shared_words& w, results& r) {
                r[0] = w.x.load(order_load);
                r[1] = w.y.load(order_load);
            },
            [=](shared_words& w, results& r) {
                r[2] = w.y.load(order_load);
                r[3] = w.x.load(order_load);
            }) + ' ';
        return seen.find(" 1010 ") != std::string::npos;
    };
    CHECK_FALSE(run(memory_order_seq_cst, memory_order_seq_cst));
    CHECK(run(memory_order_release, memory_order_acquire));
    CHECK(run(memory_order_relaxed, memory_order_relaxed));
}

TEST_CASE("WRC: happens-before is transitive") {
    const auto run = [](std::memory_order order_store, std::memory_order order_load) {
        const auto seen = ' ' + litmus(
            3, 3, [=](shared_words& w, results&) { w.x.store(1, memory_order_relaxed); },
            [=](shared_words& w, results& r) {
                r[0] = w.x.load(memory_order_relaxed);
                w.y.store(1, order_store);
            },
            [=](shared_words& w, results& r) {
                r[1] = w.y.load(order_load);
                r[2] = w.x.load(memory_order_relaxed);
            }) + ' ';
        return seen.find(" 110 ") != std::string::npos;
    };
    CHECK_FALSE(run(memory_order_release, memory_order_acquire));
    CHECK(run(memory_order_relaxed, memory_order_relaxed));
}

TEST_CASE("read-modify-writes of one location are atomic, however relaxed") {
    const auto add = [](shared_words& w, results&) {
        w.x.fetch_add(1, memory_order_relaxed);
        auto seen = w.y.load(memory_order_relaxed);
        while (!w.y.compare_exchange_weak(seen, seen + 1, memory_order_relaxed)) {}
    };
    CHECK(litmus(final_values, 2, add, add, add) == "33");
}

TEST_CASE("LB: a load never returns a store that comes later, which C++ would allow") {
    const auto seen = litmus(
        2, 3,
        [](shared_words& w, results& r) {
            r[0] = w.y.load(memory_order_relaxed);
            w.x.store(1, memory_order_relaxed);
        },
        [](shared_words& w, results& r) {
            r[1] = w.x.load(memory_order_relaxed);
            w.y.store(1, memory_order_relaxed);
        });
    CHECK(seen == "0 1 10");
}
