// The operations of when_all, when_any and race over a range.
#pragma once

#include <coir/detail/deciding_group.hpp>
#include <coir/detail/group_member.hpp>
#include <coir/detail/later_end.hpp>

#include <stdexcept>
#include <vector>

namespace coir::inline v0::detail {

// Runs the members of a group, and ends as the one that decided.
template <class Group, class Op>
class range_operation {
public:
    using error_type = typename Op::error_type;

    error_type&& error()
        requires(!std::same_as<error_type, never>)
    {
        return std::move(decisive()).error();
    }
    std::exception_ptr defect() { return not_started_ ? not_started_ : decisive().defect(); }
    fiber_id interrupted_by() { return decisive().interrupted_by(); }

protected:
    explicit range_operation(std::vector<Op>&& ops) : group_{ops.size()} {
        members_.reserve(ops.size()); // where a member is started it stays
        for (Op& op : ops) {
            members_.emplace_back(std::move(op));
        }
    }
    range_operation(range_operation&&) = default;

    // One after the other, while `more()`. If one cannot be made, those before it are interrupted
    // and awaited like any others.
    template <class More>
    status run(fiber_base& f, fiber_base::start how, More more) {
        if (!has_ended(ended_)) {
            if (!std::exchange(started_, true)) {
                group_.enter(f);
                start(how, more);
            }
            if (group_.poll_members(f) == status::pending) {
                return status::pending;
            }
            status const decided = decided_end();
            if (decided != status::value && group_.is_decided()) {
                keep_later_ends(f);
            }
            ended_ = group_.exit(decided);
        }
        return ended_;
    }

    void rethrow_defect() {
        if (ended_ == status::defect) {
            std::rethrow_exception(defect());
        }
    }

    auto& members() noexcept { return members_; }
    Group& deciders() noexcept { return group_; }
    auto& decisive() { return members_[group_.decided_by()].end(); }

private:
    template <class More>
    void start(fiber_base::start how, More more) noexcept {
        std::size_t i = 0;
        try {
            for (; i < members_.size() && more(); ++i) {
                members_[i].start(group_, {group_, i}, how);
            }
        } catch (...) {
            not_started_ = std::current_exception();
            group_.decide_by(i);
        }
    }
    void keep_later_ends(fiber_base& f) noexcept {
        for (auto& m : members_) {
            bool const is_cause = !not_started_ && &m == &members_[group_.decided_by()];
            if (is_cause || Group::keeps_later_ends) {
                add_later_end(f, m, is_cause);
            }
        }
    }
    status decided_end() {
        if (not_started_) {
            return status::defect;
        }
        if (group_.decided_by() != Group::undecided) {
            return status_of(decisive().kind());
        }
        bool const all_started = members_.empty() || members_.back().is_started();
        return all_started ? Group::undecided_end : status::cancelled;
    }

    std::vector<member<Op, group_place<Group>>> members_;
    Group group_;
    std::exception_ptr not_started_; // what starting a member threw
    status ended_ = status::pending;
    bool started_ = false;
};

template <class Op>
class [[nodiscard]] when_all_range_operation : public range_operation<all_group, Op> {
public:
    using value_type = std::vector<regular<member_value<Op>>>;

    explicit when_all_range_operation(std::vector<Op>&& ops) : range_operation<all_group, Op>{std::move(ops)} {}

    status poll(fiber_base& f) {
        return this->run(f, fiber_base::start::queued, [&] { return !f.cancel_requested(); });
    }
    value_type get() {
        this->rethrow_defect();
        value_type values;
        values.reserve(this->members().size());
        for (auto& m : this->members()) {
            values.push_back(regular_value(m.end()));
        }
        return values;
    }
};

template <bool OnlySuccess, class Op>
class [[nodiscard]] when_any_range_operation : public range_operation<any_group<OnlySuccess>, Op> {
public:
    using value_type = member_value<Op>;

    explicit when_any_range_operation(std::vector<Op>&& ops)
        : range_operation<any_group<OnlySuccess>, Op>{std::move(ops)} {
        if (this->members().empty()) {
            throw std::invalid_argument{"coir: when_any and race need something to run"};
        }
    }

    // Each up to its first suspension, until it is decided.
    status poll(fiber_base& f) {
        return this->run(f, fiber_base::start::here,
                         [&] { return !this->deciders().is_decided() && !f.cancel_requested(); });
    }
    value_type get() {
        this->rethrow_defect();
        return std::move(this->decisive()).value();
    }
};

} // namespace coir::inline v0::detail
