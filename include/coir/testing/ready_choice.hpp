// Which of the ready fibers runs next: the first, or one drawn from a seed.
//
//     ready_choice ready{seed};
//     ready.add(posted);
//     runnable* const next = ready.take();   // null: nothing is ready
//
// The order depends on the seed and on the order of posts alone, never on an address.
#pragma once

#include <coir/detail/runnable.hpp>
#include <coir/detail/splitmix.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace coir::inline v0::detail {

class ready_choice {
public:
    explicit ready_choice(std::optional<std::uint64_t> seed)
        : draws_{seed.has_value()}, state_{mix64(seed.value_or(0))} {}

    void add(runnable_queue& posted) {
        while (runnable* const r = posted.pop()) {
            ready_.push_back(r);
        }
    }

    runnable* take() {
        if (ready_.empty()) {
            return nullptr;
        }
        std::size_t const chosen = draws_ ? below(ready_.size()) : 0;
        note(ready_.size(), chosen);
        std::swap(ready_[chosen], ready_.front());
        runnable* const next = ready_.front();
        ready_.pop_front();
        return next;
    }

    std::uint64_t taken() const noexcept { return taken_; }
    // Equal for equal sequences of choices.
    std::uint64_t hash() const noexcept { return hash_; }

private:
    // The high half of a draw, scaled; there are never 2^32 ready.
    std::size_t below(std::size_t n) noexcept {
        state_ += splitmix_step;
        return static_cast<std::size_t>(((mix64(state_) >> 32U) * n) >> 32U);
    }

    void note(std::size_t among, std::size_t chosen) noexcept {
        ++taken_;
        hash_ = mix64(hash_ + splitmix_step + ((std::uint64_t{among} << 32U) | std::uint64_t{chosen}));
    }

    bool draws_;
    std::uint64_t state_;
    std::uint64_t hash_ = 0;
    std::uint64_t taken_ = 0;
    std::deque<runnable*> ready_;
};

} // namespace coir::inline v0::detail
