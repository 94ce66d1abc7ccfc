// Groups that one of their members decides, known by its index.
#pragma once

#include <coir/detail/group.hpp>

#include <limits>

namespace coir::inline v0::detail {

class deciding_group : public group {
public:
    static constexpr std::size_t undecided = (std::numeric_limits<std::size_t>::max)();

    deciding_group() = default;
    deciding_group(deciding_group&&) noexcept : group{} {} // before it is entered

    // Any thread; the first one counts.
    void decide_by(std::size_t index) noexcept {
        std::size_t none = undecided;
        // release: pairs with the acquire of decided_by().
        if (first_.compare_exchange_strong(none, index, std::memory_order_acq_rel, std::memory_order_relaxed)) {
            decide();
        }
    }
    std::size_t decided_by() const noexcept { return first_.load(std::memory_order_acquire); }

private:
    atomic<std::size_t> first_{undecided};
};

// It ends with the first end that is not success.
class all_group : public deciding_group {
public:
    // If nobody decides, all have succeeded.
    static constexpr status undecided_end = status::value;

    explicit all_group(std::size_t) noexcept {}

    auto on_end(std::size_t index) noexcept {
        return [this, index](auto const& end) noexcept {
            if (!end.is_success()) {
                decide_by(index);
            }
        };
    }
};

// It ends with the first to end, or, if only success counts, with the first to succeed and else
// with the last to end.
template <bool OnlySuccess>
class any_group : public deciding_group {
public:
    // If nobody decides, the owner was cancelled before all were started.
    static constexpr status undecided_end = status::cancelled;

    explicit any_group(std::size_t size) noexcept : left_{size} {}
    any_group(any_group&& other) noexcept : deciding_group{}, left_{other.left_.load(std::memory_order_relaxed)} {}

    auto on_end(std::size_t index) noexcept {
        return [this, index](auto const& end) noexcept {
            if (!OnlySuccess || end.is_success()) {
                decide_by(index);
            }
            // Only now, so that the last to end, if it failed, comes after all that succeeded. acq_rel:
            // it has seen them decide.
            if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
                decide_by(index);
            }
        };
    }

private:
    atomic<std::size_t> left_;
};

template <class Group>
using end_listener = decltype(std::declval<Group&>().on_end(0));

} // namespace coir::inline v0::detail
