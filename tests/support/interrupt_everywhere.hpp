// Runs a scenario again and again, and interrupts its fiber at another moment each time: before
// it runs, after its first step, after its second... until it ends by itself first. A second round
// counts calls of the scheduler instead of steps, and so hits the fiber while it runs: half
// registered with a source, arming a timer, posting somebody.
//
//     coir_test::interrupt_everywhere([](coir_test::ledger& books) -> coir::task<> { ... });
#pragma once

#include <coir/interrupt.hpp>
#include <coir/testing/test_scheduler.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <functional>
#include <limits>

namespace coir_test {

/// What a scenario opened it must have closed, once, however it ended.
class ledger {
public:
    /// Awaits `aw`, with a finalizer that suspends in between.
    template <class A>
    auto guarded(A&& aw) {
        using op = coir::detail::operation_of<A>;
        return coir::ensuring(opening<op>{coir::detail::to_operation(std::forward<A>(aw)), *this},
                              [this] { return close(this); });
    }
    /// Open as long as it lives: on a frame, in a closure.
    class local {
    public:
        explicit local(ledger& books) noexcept : books_{&books} { ++books_->opened_; }
        local(local const& other) noexcept : local{*other.books_} {}
        ~local() { ++books_->closed_; }

    private:
        ledger* books_;
    };
    /// A finalizer to hand over elsewhere.
    auto finalizer() {
        ++opened_;
        return [this] { return close(this); };
    }

    int opened() const noexcept { return opened_; }
    int closed() const noexcept { return closed_; }

private:
    // What never began need not be closed.
    template <class Inner>
    class opening : public coir::detail::adaptor<Inner> {
    public:
        opening(Inner&& inner, ledger& books) : coir::detail::adaptor<Inner>{std::move(inner)}, books_{&books} {}
        coir::detail::status poll(coir::detail::fiber_base& f) {
            if (!std::exchange(begun_, true)) {
                ++books_->opened_;
            }
            return this->inner_.poll(f);
        }

    private:
        ledger* books_;
        bool begun_ = false;
    };

    static coir::task<> close(ledger* self) {
        co_await coir::yield();
        co_await coir::sleep_for(std::chrono::milliseconds{1});
        ++self->closed_;
    }

    int opened_ = 0;
    int closed_ = 0;
};

/// Does something at one of the calls that it gets.
class meddling_scheduler : public coir::test_scheduler {
public:
    using test_scheduler::test_scheduler;
    ~meddling_scheduler() override { meddle_ = nullptr; }

    void at_call(std::uint64_t n, std::function<void()> meddle) {
        left_ = n;
        meddle_ = std::move(meddle);
    }

    void post(coir::runnable& work) noexcept override {
        count();
        test_scheduler::post(work);
    }
    void arm(coir::timer& t, time_point deadline) noexcept override {
        count();
        test_scheduler::arm(t, deadline);
        count();
    }
    void disarm(coir::timer& t) noexcept override {
        count();
        test_scheduler::disarm(t);
        count();
    }

private:
    void count() noexcept {
        if (meddle_ && left_-- == 0) {
            std::exchange(meddle_, nullptr)();
        }
    }

    std::uint64_t left_ = 0;
    std::function<void()> meddle_;
};

struct moment {
    std::uint64_t at;
    bool in_a_call;
};

/// True: the interruption came before the end.
template <class Scenario>
bool interrupt_at(moment when, Scenario& scenario) {
    INFO("interrupted at " << (when.in_a_call ? "call " : "step ") << when.at);
    ledger books;
    bool asked = false;
    {
        meddling_scheduler s;
        s.set_turn_limit(100'000);
        auto root = s.start(std::ref(scenario), std::ref(books));
        auto const ask = [&] {
            asked = root.poll() == nullptr;
            root.request_interrupt();
        };
        if (when.in_a_call) {
            s.at_call(when.at, ask);
        }
        std::uint64_t const begin = s.steps();
        bool done_asking = when.in_a_call;
        s.run_until([&] {
            if (!done_asking && s.steps() - begin == when.at) {
                done_asking = true;
                ask();
            }
            return root.poll() != nullptr;
        });
        s.at_call(0, nullptr);
        CHECK_FALSE(root.poll()->is_defect());
        CHECK(books.opened() == books.closed()); // at the end of the fiber, not some time later
        s.interrupt_all();
        CHECK(s.fibers().size() == 0);
    }
    CHECK(books.opened() == books.closed());
    return asked;
}

/// Every moment up to the natural end. Returns how many there were.
template <class Scenario>
std::uint64_t interrupt_everywhere(Scenario scenario) {
    std::uint64_t moments = 0;
    for (bool const in_a_call : {false, true}) {
        std::uint64_t at = 0;
        while (interrupt_at(moment{at, in_a_call}, scenario)) {
            ++at;
        }
        moments += at;
    }
    return moments;
}

} // namespace coir_test
