// As interrupt_everywhere.hpp, for scenarios that run on two schedulers: a moment is a call that
// either of them gets, so that the fiber is hit while it runs here, while what it awaits runs there,
// and on the way between the two. `seed` puts what is ready on both into another order.
//
//     coir_test::interrupt_everywhere_on([](ledger& books, coir::scheduler& there) -> coir::task<> { ... });
#pragma once

#include "support/interrupt_everywhere.hpp"

#include <optional>

namespace coir_test {

/// Does something at one of the calls that several schedulers get.
class meddler {
public:
    void at_call(std::uint64_t n, std::function<void()> what) {
        left_ = n;
        what_ = std::move(what);
    }
    void stop() noexcept { what_ = nullptr; }
    void count() noexcept {
        if (what_ && left_-- == 0) {
            std::exchange(what_, nullptr)();
        }
    }

private:
    std::uint64_t left_ = 0;
    std::function<void()> what_;
};

class meddled_scheduler : public coir::test_scheduler {
public:
    explicit meddled_scheduler(meddler& m) : meddler_{&m} {}
    meddled_scheduler(meddler& m, std::uint64_t seed) : test_scheduler{seed}, meddler_{&m} {}

    void post(coir::runnable& work) noexcept override {
        meddler_->count();
        test_scheduler::post(work);
        meddler_->count();
    }
    void arm(coir::timer& t, time_point deadline) noexcept override {
        meddler_->count();
        test_scheduler::arm(t, deadline);
        meddler_->count();
    }
    void disarm(coir::timer& t) noexcept override {
        meddler_->count();
        test_scheduler::disarm(t);
        meddler_->count();
    }

private:
    meddler* meddler_;
};

/// Runs two schedulers by turns until `done()`; time goes on when neither has anything to do.
template <class Done>
void run_by_turns(coir::test_scheduler& here, coir::test_scheduler& there, Done done) {
    for (int idle = 0; !done() && idle < 1'000;) {
        std::uint64_t const before = here.steps() + there.steps();
        here.run_ready();
        there.run_ready();
        if (here.steps() + there.steps() == before) {
            ++idle;
            here.advance(std::chrono::milliseconds{1});
            there.advance(std::chrono::milliseconds{1});
        }
    }
}

/// True: the interruption came before the end.
template <class Scenario>
bool interrupt_at_call_of_both(std::uint64_t at, std::optional<std::uint64_t> seed, Scenario& scenario) {
    INFO("interrupted at call " << at << ", seed " << (seed ? std::to_string(*seed) : "none"));
    ledger books;
    bool asked = false;
    {
        meddler moment;
        std::optional<meddled_scheduler> there;
        std::optional<meddled_scheduler> here;
        if (seed) {
            there.emplace(moment, *seed);
            here.emplace(moment, ~*seed);
        } else {
            there.emplace(moment);
            here.emplace(moment);
        }
        auto root = here->start(std::ref(scenario), std::ref(books), std::ref<coir::scheduler>(*there));
        moment.at_call(at, [&] {
            asked = root.poll() == nullptr;
            root.request_interrupt();
        });
        run_by_turns(*here, *there, [&] { return root.poll() != nullptr; });
        moment.stop();
        REQUIRE(root.poll() != nullptr);
        CHECK_FALSE(root.poll()->is_defect());
        CHECK(books.opened() == books.closed()); // at the end of the fiber, wherever it was opened
        here->interrupt_all();
        there->interrupt_all();
        CHECK(here->fibers().size() == 0);
        CHECK(there->fibers().size() == 0);
    }
    CHECK(books.opened() == books.closed());
    return asked;
}

/// Every moment up to the natural end, first in, first out and in some other orders. Returns how many
/// there were.
template <class Scenario>
std::uint64_t interrupt_everywhere_on(Scenario scenario) {
    std::uint64_t moments = 0;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        std::uint64_t at = 0;
        while (interrupt_at_call_of_both(at, seed != 0 ? std::optional{seed} : std::nullopt, scenario)) {
            ++at;
        }
        moments += at;
    }
    return moments;
}

} // namespace coir_test
