// How an operation ended that another fiber ran for this one.
//
// The end of a fiber is an interruption point, at which the value of its body would be lost. So
// the body writes its outcome here instead: what was completed stays so.
#pragma once

#include <coir/detail/outcome_view.hpp>
#include <coir/detail/show_operation.hpp>
#include <coir/fiber.hpp>

#include <optional>

namespace coir::inline v0::detail {

template <class Op>
class kept_end {
    static_assert(can_be_kept<typename Op::value_type>,
                  "coir: this shared value cannot be copied out of another fiber; await take() instead");

public:
    using value_type = kept<typename Op::value_type>;
    using error_type = typename Op::error_type;

    // What the other fiber runs; the other fiber ends before this does.
    task<> run(Op&& op) { return run_into(std::move(op), end_); }

    // The other fiber has ended. What finalizers threw there is shown to whoever looks here.
    status take(fiber_base& f, outcome<> const& fiber_end) {
        if (!end_) {
            end_.emplace(fiber_end.is_defect() ? end_type::died(fiber_end.defect())
                                               : end_type::interrupted(fiber_end.interrupted_by()));
        }
        for (auto const& list : {end_->suppressed(), fiber_end.suppressed()}) {
            for (std::exception_ptr const& thrown : list) {
                f.suppressed.add(thrown);
            }
        }
        return status_of(end_->kind());
    }
    // It could not be started.
    status die(std::exception_ptr thrown) noexcept {
        end_.emplace(end_type::died(std::move(thrown)));
        return status::defect;
    }

    value_type get() { return std::move(*end_).value(); }
    error_type&& error() noexcept
        requires(!std::same_as<error_type, never>)
    {
        return std::move(*end_).error();
    }
    std::exception_ptr defect() { return end_->defect(); }
    fiber_id interrupted_by() { return end_->interrupted_by(); }

private:
    using end_type = outcome<value_type, error_type>;

    static task<> run_into(Op op, std::optional<end_type>& end) {
        end.emplace(co_await as_outcome_operation<Op>{std::move(op)});
    }

    std::optional<end_type> end_;
};

} // namespace coir::inline v0::detail
