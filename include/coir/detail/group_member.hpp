// Members of a group made from operations of any kind.
//
// A leaf wait - a deferred, a sleep, a pop - needs no frame: it waits inside the operation that
// started it. Everything else is forked.
#pragma once

#include <coir/detail/group.hpp>
#include <coir/detail/show_operation.hpp>
#include <coir/fiber.hpp>
#include <coir/task.hpp>

namespace coir::inline v0::detail {

template <class Op>
using member_value = kept<typename Op::value_type>;

template <class Op>
using member_outcome = outcome<member_value<Op>, typename Op::error_type>;

template <class Op>
task<member_value<Op>, typename Op::error_type> run_member(Op op) {
    co_return co_await std::move(op);
}

// Its end is no interruption point: it stands for an operation, and one that has completed stays so.
template <class T, class E, class Ended>
class member_fiber final : public fiber_run<T, E, task<T, E>> {
    using run = fiber_run<T, E, task<T, E>>;

public:
    member_fiber(group& g, Ended on_end, task<T, E>&& work)
        : run{g.owner().where(), g.members(), std::move(work)}, on_end_{std::move(on_end)} {}

private:
    status root_status() const noexcept override {
        status const s = run::root_status();
        return s == status::value ? status::end : s;
    }
    void ended(outcome<T, E> const& end) noexcept override { on_end_(end); }
    void destroy() noexcept override { delete this; }

    Ended on_end_;
};

// Ended: told how the member ended, before the owner may go on.
template <class Op, class Ended>
class forked_member {
public:
    explicit forked_member(Op&& op) : op_{std::move(op)} {}

    void start(group& g, Ended on_end, fiber_base::start how) {
        using run = member_fiber<member_value<Op>, typename Op::error_type, Ended>;
        auto* const state = new run(g, std::move(on_end), run_member(std::move(op_)));
        state->observe();
        handle_ = fiber<member_value<Op>, typename Op::error_type>{state};
        state->start_in_nursery(nullptr, how);
    }

    bool is_started() const noexcept { return static_cast<bool>(handle_); }
    // Once it has ended.
    member_outcome<Op>& end() const noexcept { return handle_.get_state().cell().end(); }

private:
    Op op_;
    fiber<member_value<Op>, typename Op::error_type> handle_;
};

// A fiber without frames: what it runs is one operation, which calls nothing.
template <class Op, class Ended>
class leaf_fiber final : public fiber_base, private suspension, private completion_base {
public:
    leaf_fiber(group& g, Op& op, Ended on_end) noexcept
        : fiber_base{g.owner().where(), g.members(), lifetime::of_a_competitor}, op_{op}, on_end_{std::move(on_end)} {
        frame_.site = g.owner().top()->site; // it awaits where its owner does
    }

    std::optional<member_outcome<Op>>& end() noexcept { return end_; }

private:
    // The loop of a fiber polls what its top frame waits in, and destroys the frame that failed.
    struct stand_in : frame {};

    void begin() noexcept override {
        frame_.handle = std::noop_coroutine();
        frame_.waits_in = this;
        push_frame(frame_, *this);
        to_loop(status::value);
    }
    status poll(fiber_base& f) noexcept override {
        status s = op_.poll(f);
        if (!has_ended(s)) {
            return s;
        }
        if (s == status::value && on_end_.is_lost()) {
            s = status::cancelled; // nothing is moved out for who would drop it
        }
        try {
            end_.emplace(outcome_of<member_outcome<Op>>(op_, s, f));
        } catch (...) {
            end_defect(std::current_exception());
        }
        return status::failure;
    }

    void end_cancelled() noexcept override { end_.emplace(member_outcome<Op>::interrupted(interrupted_by())); }
    void end_defect(std::exception_ptr thrown) noexcept override {
        end_.emplace(member_outcome<Op>::died(std::move(thrown)));
    }
    // An operation that has completed stays so: its end is no interruption point.
    status root_status() const noexcept override { return status::end; }
    void publish() noexcept override { on_end_(std::as_const(*end_)); }
    void destroy() noexcept override {}

    // A member that lost is not wanted any more, though who decided may not have said so yet.
    bool hand_over_to_member(bool& post_it, bool& frozen) noexcept override {
        if (on_end_.hand_over(*this, post_it)) {
            return true;
        }
        frozen = static_cast<nursery_member&>(*this).interrupt_member(on_end_.owner());
        return false;
    }
    bool member_may_take() noexcept override { return on_end_.may_take(); }
    bool member_has_lost() const noexcept override { return on_end_.is_lost(); }

    Op& op_;
    Ended on_end_;
    stand_in frame_;
    std::optional<member_outcome<Op>> end_;
};

template <class Op, class Ended>
class leaf_member {
public:
    explicit leaf_member(Op&& op) : op_{std::move(op)} {}
    leaf_member(leaf_member&& other) : op_{std::move(other.op_)} {} // before it is started

    // Here in any case: nothing of the user's runs in it.
    void start(group& g, Ended on_end, fiber_base::start) noexcept {
        fiber_.emplace(g, op_, std::move(on_end)).start_in_nursery(nullptr, fiber_base::start::here);
    }

    bool is_started() const noexcept { return fiber_.has_value(); }
    member_outcome<Op>& end() noexcept { return *fiber_->end(); }

private:
    Op op_;
    std::optional<leaf_fiber<Op, Ended>> fiber_;
};

template <class Op, class Ended>
using member = std::conditional_t<leaf_operation<Op>, leaf_member<Op, Ended>, forked_member<Op, Ended>>;

// void as unit.
template <class T>
using regular = std::conditional_t<std::is_void_v<T>, unit, T>;

template <class Op>
regular<member_value<Op>> regular_get(Op& op) {
    if constexpr (std::is_void_v<typename Op::value_type>) {
        op.get();
        return unit{};
    } else {
        return op.get();
    }
}

template <class T, class E>
regular<T> regular_value(outcome<T, E>& end) {
    if constexpr (std::is_void_v<T>) {
        end.value();
        return unit{};
    } else {
        return std::move(end).value();
    }
}

} // namespace coir::inline v0::detail
