// The waiter list with other operations let in at every change of its word: at random, nested,
// with lists far longer than a model checker can explore. One thread, so a seed is a schedule.
#include <coir/detail/waiter_list.hpp>

#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace {

using coir::detail::waiter_list;

class life;

// It is gone as soon as it was told, as a waiter in a coroutine frame is.
class guest final : public coir::detail::waiter {
public:
    guest(life& l, std::size_t id) : life_{l}, id_{id} {}
    void fired(coir::detail::firing how) noexcept override;
    void removed() noexcept override;

private:
    life& life_;
    std::size_t id_;
};

enum class stage : unsigned char { pushing, waiting, leaving, met, gone };

// One list from its first waiter to its end. Operations begin at random; at each change of the
// word others may run inside, up to a depth. The list dies as early as its users allow.
class life {
public:
    life(std::uint64_t seed, std::size_t operations) : random_{seed}, operations_{operations} {}

    // What went wrong, or null.
    char const* run() {
        current = this;
        coir_test::preempted = [] { current->interlude(); };
        for (std::size_t i = 0; i < operations_; ++i) {
            act();
            check_count();
        }
        coir_test::preempted = [] {};
        if (list_) {
            list_->abandon();
        }
        if (alive_ != 0) {
            fail("a waiter was forgotten");
        }
        return wrong_;
    }

    void fired(std::size_t id, bool abandoned) {
        bool const leaves = (stages_[id] == stage::leaving || stages_[id] == stage::met) && list_->is_done();
        if (stages_[id] != stage::waiting && !leaves) {
            fail("a waiter was woken that did not wait");
        }
        if (!abandoned && !list_->is_done()) {
            fail("a waiter was woken before the list was done");
        }
        if (position_[id] < last_fired_) {
            fail("waiters were not woken in the order of their coming");
        }
        last_fired_ = position_[id];
        if (stages_[id] == stage::waiting) {
            let_go(id);
        } else {
            meet(id);
        }
    }

    void removed(std::size_t id) {
        if (stages_[id] != stage::leaving) {
            fail("a waiter was removed that did not leave");
        }
        let_go(id);
    }

private:
    static constexpr unsigned deepest = 4;

    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_); }
    void fail(char const* what) { wrong_ = wrong_ != nullptr ? wrong_ : what; }

    void interlude() {
        if (depth_ < deepest && below(3) == 0) {
            ++depth_;
            for (std::size_t n = 1 + below(3); n > 0; --n) {
                act();
            }
            --depth_;
        }
    }

    void act() {
        if (!list_) {
            return;
        }
        if (below(operations_) == 0) {
            complete();
        } else if (below(20) < 11) {
            push();
        } else {
            remove();
        }
    }

    void push() {
        std::size_t const id = stages_.size();
        stages_.push_back(stage::pushing);
        position_.push_back(0);
        guests_.push_back(std::make_unique<guest>(*this, id));
        ++alive_;
        ++inside_;
        bool const pushed = list_->push(*guests_[id]);
        --inside_;
        if (!pushed) {
            let_go(id);
            return;
        }
        position_[id] = ++pushed_; // nothing happens between the change of the word and this
        stages_[id] = stage::waiting;
        candidates_.push_back(id);
    }

    void remove() {
        if (candidates_.empty()) {
            return;
        }
        std::size_t const at = below(4) == 0 ? 0 : below(candidates_.size());
        std::size_t const id = candidates_[at];
        candidates_.erase(candidates_.begin() + static_cast<std::ptrdiff_t>(at));
        if (stages_[id] == stage::waiting) {
            stages_[id] = stage::leaving;
            // The list may be gone when it returns, unless the waker has to be met.
            if (list_->remove(*guests_[id]) == waiter_list::removal::with_waker) {
                meet(id);
            }
        }
    }

    // As the claim word does it: of waker and canceller, the second lets the waiter go.
    void meet(std::size_t id) {
        if (stages_[id] == stage::met) {
            let_go(id);
        } else {
            stages_[id] = stage::met;
        }
    }

    void complete() {
        ++inside_;
        if (list_->claim()) {
            publishing_ = true;
            list_->publish(); // the same
            publishing_ = false;
        }
        --inside_;
    }

    void let_go(std::size_t id) {
        stages_[id] = stage::gone;
        guests_[id].reset();
        --alive_;
        // Who completed the list does not use it any more, although still on the stack here.
        bool const used = inside_ > (publishing_ && list_->is_done() ? 1U : 0U);
        if (alive_ == 0 && !used && below(2) == 0) {
            list_.reset();
        }
        interlude();
    }

    void check_count() {
        auto const waiting = static_cast<std::size_t>(std::ranges::count(stages_, stage::waiting));
        if (list_ && list_->count() != waiting) {
            fail("the list does not hold those who wait");
        }
    }

    static inline life* current = nullptr;

    std::mt19937_64 random_;
    std::size_t operations_;
    std::unique_ptr<waiter_list> list_ = std::make_unique<waiter_list>();
    std::vector<std::unique_ptr<guest>> guests_;
    std::vector<stage> stages_;
    std::vector<std::uint64_t> position_;
    std::vector<std::size_t> candidates_; // to be removed
    std::uint64_t pushed_ = 0;
    std::uint64_t last_fired_ = 0;
    std::size_t alive_ = 0;
    unsigned inside_ = 0; // operations that the list must outlive, apart from its waiters
    unsigned depth_ = 0;
    bool publishing_ = false;
    char const* wrong_ = nullptr;
};

void guest::fired(coir::detail::firing how) noexcept { life_.fired(id_, how.is_abandoned()); }
void guest::removed() noexcept { life_.removed(id_); }

void run_lives(unsigned lives, std::size_t operations) {
    for (std::uint64_t seed = 1; seed <= lives; ++seed) {
        char const* const wrong = life{seed, operations}.run();
        if (wrong != nullptr) {
            FAIL("seed " << seed << ": " << wrong);
        }
    }
    SUCCEED();
}

} // namespace

TEST_CASE("operations inside each other: short lives [D12 D13 D15 D16 D17 D18 D32 D38]") {
    run_lives(30'000 * coir_test::stress_scale(), 12);
}

TEST_CASE("operations inside each other: long lives [D13 D15 D17 D21]") {
    run_lives(600 * coir_test::stress_scale(), 400);
}
