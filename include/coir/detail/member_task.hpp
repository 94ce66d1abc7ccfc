// Members of a group made from operations of any kind.
#pragma once

#include <coir/detail/group.hpp>
#include <coir/detail/show_operation.hpp>
#include <coir/fiber.hpp>
#include <coir/task.hpp>

namespace coir::inline v0::detail {

template <class Op>
using member_value = kept<typename Op::value_type>;

template <class Op>
task<member_value<Op>, typename Op::error_type> run_member(Op op) {
    co_return co_await std::move(op);
}

template <class Op>
using member_fiber = fiber<member_value<Op>, typename Op::error_type>;

// Starts `op` as a member of `g`; `on_end` is told how it ends.
template <class Op, class Ended>
member_fiber<Op> start_member(group& g, Op&& op, Ended on_end, fiber_base::start how) {
    using value = member_value<std::remove_cvref_t<Op>>;
    using error = typename std::remove_cvref_t<Op>::error_type;
    using run = group_fiber<value, error, Ended, task<value, error>>;
    auto* const state = new run(g.owner().where(), g.members(), std::move(on_end), run_member(std::move(op)));
    state->observe();
    fiber<value, error> handle{state};
    state->start_in_nursery(nullptr, how);
    return handle;
}

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
regular<T> regular_value(fiber<T, E> const& f) {
    auto& end = f.get_state().cell().end();
    if constexpr (std::is_void_v<T>) {
        end.value();
        return unit{};
    } else {
        return std::move(end).value();
    }
}

} // namespace coir::inline v0::detail
