// The waiter list of a deferred against a mutex and a vector: the same random operations on both
// must give the same results, and call the same waiters in the same order.
#include <coir/detail/waiter_list.hpp>

#include "reference/mutex_deferred.hpp"
#include "support/effort.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

enum class event_kind : unsigned char { fired, abandoned, removed };

struct event {
    std::size_t waiter;
    event_kind kind;
    friend bool operator==(event const&, event const&) = default;
};
using journal = std::vector<event>;

class real_waiter final : public coir::detail::waiter {
public:
    real_waiter(std::size_t id, journal& log) : id_{id}, log_{&log} {}
    void fired(coir::detail::firing how) noexcept override {
        log_->push_back({id_, how.is_abandoned() ? event_kind::abandoned : event_kind::fired});
    }
    void removed() noexcept override { log_->push_back({id_, event_kind::removed}); }

private:
    std::size_t id_;
    journal* log_;
};

class reference_waiter {
public:
    reference_waiter(std::size_t id, journal& log) : id_{id}, log_{&log} {}
    void fired(bool abandoned) { log_->push_back({id_, abandoned ? event_kind::abandoned : event_kind::fired}); }
    void removed() { log_->push_back({id_, event_kind::removed}); }

private:
    std::size_t id_;
    journal* log_;
};

// One life of a list and of its reference, from the first push to the end of both.
class life {
public:
    life(std::size_t waiters, std::mt19937_64& random) : random_{random} {
        for (std::size_t i = 0; i < waiters; ++i) {
            real_waiters_.push_back(std::make_unique<real_waiter>(i, real_log_));
            reference_waiters_.emplace_back(i, reference_log_);
            idle_.push_back(i);
        }
    }

    // False: the two differ. The life is completed about half-way, if at all.
    bool run(std::size_t operations) {
        for (std::size_t i = 0; i < operations; ++i) {
            if (!step(operations) || !agree()) return false;
        }
        list_.abandon();
        reference_.abandon();
        // An abandoned list is about to be destroyed: nobody may look at it.
        return told_the_same() && woken_ == waiting_.size();
    }

private:
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_); }

    bool step(std::size_t operations) {
        switch (below(operations)) {
        case 0: return claim();
        case 1:
        case 2: return publish();
        default: return below(20) < 11 ? push() : remove();
        }
    }

    bool push() {
        if (idle_.empty()) return true;
        std::swap(idle_[below(idle_.size())], idle_.back());
        std::size_t const w = idle_.back();
        bool const pushed = list_.push(*real_waiters_[w]);
        if (pushed) {
            idle_.pop_back();
            waiting_.push_back(w);
        }
        return pushed == reference_.push(reference_waiters_[w]);
    }

    // Any waiter, the oldest or the newest: each takes a way of its own through the clean-up.
    bool remove() {
        if (waiting_.empty()) return true;
        std::size_t const how = below(4);
        std::size_t const at = how == 0 ? 0 : how == 1 ? waiting_.size() - 1 : below(waiting_.size());
        std::size_t const w = waiting_[at];
        bool const asked = list_.remove(*real_waiters_[w]) == coir::detail::waiter_list::removal::asked;
        if (asked) {
            waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(at));
            idle_.push_back(w);
        }
        return asked == (reference_.remove(reference_waiters_[w]) == reference_list::removal::asked);
    }

    bool claim() {
        bool const won = list_.claim();
        claimed_ = claimed_ || won;
        return won == reference_.claim();
    }

    bool publish() {
        if (claimed_ && !list_.is_done()) {
            list_.publish();
            reference_.publish();
        }
        return true;
    }

    bool agree() {
        return told_the_same() && list_.is_done() == reference_.is_done() &&
               list_.is_claimed() == reference_.is_claimed() && list_.count() == reference_.count();
    }

    bool told_the_same() {
        if (real_log_ != reference_log_) return false;
        woken_ += static_cast<std::size_t>(
            std::ranges::count_if(real_log_, [](event const& e) { return e.kind != event_kind::removed; }));
        real_log_.clear();
        reference_log_.clear();
        return true;
    }

    using reference_list = coir_test::mutex_waiter_list<reference_waiter>;

    std::mt19937_64& random_;
    journal real_log_;
    journal reference_log_;
    std::vector<std::unique_ptr<real_waiter>> real_waiters_;
    std::vector<reference_waiter> reference_waiters_;
    std::vector<std::size_t> idle_;
    std::vector<std::size_t> waiting_;
    std::size_t woken_ = 0;
    bool claimed_ = false;
    coir::detail::waiter_list list_;
    reference_list reference_;
};

// The seed of the first life in which the two differ.
std::optional<std::uint64_t> first_difference(std::size_t lives, std::size_t waiters, std::size_t operations) {
    for (std::uint64_t seed = 1; seed <= lives; ++seed) {
        std::mt19937_64 random{seed};
        if (!life{waiters, random}.run(operations)) return seed;
    }
    return std::nullopt;
}

} // namespace

TEST_CASE("short lives of the waiter list do what a mutex and a vector do [D1 D2 D12 D13 D15 D16 D18 D27 D32]") {
    CHECK(first_difference(60'000 * coir_test::stress_scale(), 4, 24) == std::nullopt);
}

TEST_CASE("lives with many waiters do what a mutex and a vector do [D13 D15 D21 D32]") {
    CHECK(first_difference(4'000 * coir_test::stress_scale(), 40, 200) == std::nullopt);
}

TEST_CASE("lives with a long line of waiters do what a mutex and a vector do [D13 D15 D21]") {
    CHECK(first_difference(200 * coir_test::stress_scale(), 1'000, 4'000) == std::nullopt);
}
