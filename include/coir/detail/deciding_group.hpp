// Groups that one of their members decides, known by its index.
#pragma once

#include <coir/detail/group.hpp>
#include <coir/detail/spin_lock.hpp>

#include <limits>
#include <mutex>

namespace coir::inline v0::detail {

class deciding_group : public group {
public:
    static constexpr std::size_t undecided = (std::numeric_limits<std::size_t>::max)();

    deciding_group() = default;
    deciding_group(deciding_group&&) noexcept : group{} {} // before it is entered

    // Any thread; the first one counts.
    void decide_by(std::size_t index) noexcept { settle(index, true); }

    // acquire: pairs with the release in claim(), so that the end of who decided is seen.
    std::size_t decided_by() const noexcept { return first_.load(std::memory_order_acquire); }
    bool is_decided() const noexcept { return decided_by() != undecided; }
    bool is_lost(std::size_t index) const noexcept {
        std::size_t const first = decided_by();
        return first != undecided && first != index;
    }

protected:
    // Member `index` has ended, and decides if it `counts`, or if it was handed something before.
    void settle(std::size_t index, bool counts) noexcept {
        if (claim(index, counts)) {
            decide();
        }
    }

    // A source, under its lock, hands something over to member `index`, which decides by that: it
    // would be lost if another one decided before this one has run. A member that ended takes the
    // lock too, so the group is there until this is done with it.
    bool hand_over(std::size_t index, fiber_base& member, bool& post_it) noexcept {
        std::lock_guard guard{lock_};
        if (is_lost(index) || !member.try_fire(post_it)) {
            return false;
        }
        first_.store(index, std::memory_order_release);
        return true;
    }
    bool claim(std::size_t index, bool counts) noexcept {
        std::lock_guard guard{lock_};
        if (counts && first_.load(std::memory_order_relaxed) == undecided) {
            first_.store(index, std::memory_order_release);
        }
        return first_.load(std::memory_order_relaxed) == index;
    }

private:
    spin_lock lock_; // of a few instructions; under it no other is taken
    atomic<std::size_t> first_{undecided};
};

// It ends with the first end that is not success.
class all_group : public deciding_group {
public:
    // If nobody decides, all have succeeded.
    static constexpr status undecided_end = status::value;
    // Who fails after the one that decided.
    static constexpr bool keeps_later_ends = true;

    explicit all_group(std::size_t) noexcept {}

    void member_ended(std::size_t index, bool succeeded) noexcept {
        if (!succeeded) {
            decide_by(index);
        }
    }
    // What each gets is part of the result.
    static bool hand_over(std::size_t, fiber_base& member, bool& post_it) noexcept { return member.try_fire(post_it); }
    static bool may_take(std::size_t) noexcept { return true; }
};

// It ends with the first to end, or, if only success counts, with the first to succeed and else
// with the last to end.
template <bool OnlySuccess>
class any_group : public deciding_group {
public:
    // If nobody decides, the owner was cancelled before all were started.
    static constexpr status undecided_end = status::cancelled;
    // In a race that nobody wins, the one that decides comes after the others.
    static constexpr bool keeps_later_ends = !OnlySuccess;

    explicit any_group(std::size_t size) noexcept : left_{size} {}
    any_group(any_group&& other) noexcept : deciding_group{}, left_{other.left_.load(std::memory_order_relaxed)} {}

    void member_ended(std::size_t index, bool succeeded) noexcept {
        settle(index, !OnlySuccess || succeeded);
        // Only now, so that the last to end, if it failed, comes after all that succeeded. acq_rel:
        // it has seen them decide.
        if (OnlySuccess && left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            decide_by(index);
        }
    }
    using deciding_group::hand_over;
    bool may_take(std::size_t index) noexcept { return claim(index, true); }

private:
    atomic<std::size_t> left_;
};

// What a member tells its group, and asks it.
template <class Group>
class group_place {
public:
    group_place(Group& group, std::size_t index) noexcept : group_{&group}, index_{index} {}

    template <class End>
    void operator()(End const& end) const noexcept {
        group_->member_ended(index_, end.is_success());
    }

    bool hand_over(fiber_base& member, bool& post_it) const noexcept {
        return group_->hand_over(index_, member, post_it);
    }
    bool may_take() const noexcept { return group_->may_take(index_); }
    bool is_lost() const noexcept { return group_->is_lost(index_); }
    fiber_id owner() const noexcept { return group_->owner().id(); }

private:
    Group* group_;
    std::size_t index_;
};

} // namespace coir::inline v0::detail
