// The operation of when_any and race over a range.
#pragma once

#include <coir/detail/when_any.hpp>

#include <stdexcept>
#include <vector>

namespace coir::inline v0::detail {

template <bool OnlySuccess, class Op>
class [[nodiscard]] when_any_range_operation {
public:
    using value_type = member_value<Op>;
    using error_type = typename Op::error_type;

    explicit when_any_range_operation(std::vector<Op>&& ops)
        : ops_{std::move(ops)}, group_{OnlySuccess, ops_.size()} {
        if (ops_.empty()) {
            throw std::invalid_argument{"coir: when_any and race need something to run"};
        }
    }

    status poll(fiber_base& f) {
        if (!has_ended(ended_)) {
            if (!std::exchange(started_, true)) {
                group_.enter(f);
                start(f);
            }
            if (group_.poll_members(f) == status::pending) {
                return status::pending;
            }
            ended_ = group_.exit(decided_end());
        }
        return ended_;
    }

    value_type get() {
        if (ended_ == status::defect) {
            std::rethrow_exception(defect());
        }
        return std::move(winner()).value();
    }
    error_type&& error()
        requires(!std::same_as<error_type, never>)
    {
        return std::move(winner()).error();
    }
    std::exception_ptr defect() { return not_started_ ? not_started_ : winner().defect(); }
    fiber_id interrupted_by() { return winner().interrupted_by(); }

private:
    // One after the other, each up to its first suspension, until it is decided. If one cannot be
    // made, those before it are interrupted.
    void start(fiber_base& f) noexcept {
        std::size_t i = 0;
        try {
            members_.reserve(ops_.size());
            for (; i < ops_.size() && !group_.is_decided() && !f.cancel_requested(); ++i) {
                members_.push_back(start_member(group_, std::move(ops_[i]), group_.on_end(i), fiber_base::start::here));
            }
        } catch (...) {
            not_started_ = std::current_exception();
            group_.win(i);
        }
        ops_.clear();
    }

    // Without a winner the owner was cancelled before all were started.
    status decided_end() {
        if (not_started_) {
            return status::defect;
        }
        return group_.winner() == all_group::undecided ? status::cancelled : status_of(winner().kind());
    }
    auto& winner() { return members_[group_.winner()].get_state().cell().end(); }

    std::vector<Op> ops_;
    std::vector<member_fiber<Op>> members_;
    any_group group_;
    std::exception_ptr not_started_; // what starting a member threw
    status ended_ = status::pending;
    bool started_ = false;
};

} // namespace coir::inline v0::detail
