// The operation of on(): a fiber of the other scheduler, for which the caller waits in any case.
//
// It belongs to the other scheduler's fibers, so that a shutdown there waits for it; and the
// caller goes on only when it has ended, so that it may refer to whatever the caller has.
#pragma once

#include <coir/detail/ending_wait.hpp>
#include <coir/detail/kept_end.hpp>
#include <coir/detail/mask.hpp>
#include <coir/fiber.hpp>

namespace coir::inline v0::detail {

inline task<> run_masked(task<> work) {
    co_await masked_operation<operation_of<task<>>>{std::move(work).coir_operation()};
}

template <class Op>
class [[nodiscard]] on_operation {
public:
    using value_type = typename kept_end<Op>::value_type;
    using error_type = typename Op::error_type;

    on_operation(scheduler& s, Op&& op) : there_{&s}, op_{std::move(op)} {}
    on_operation(on_operation&& other) : there_{other.there_}, op_{std::move(other.op_)} {} // before it begins

    status poll(fiber_base& f) {
        switch (phase_) {
        case phase::before:
            if (&f.where() == there_) {
                phase_ = phase::here;
                return op_.poll(f);
            }
            if (f.cancel_requested()) {
                return status::cancelled;
            }
            phase_ = phase::there;
            try {
                start(f);
            } catch (...) {
                return end_.die(std::current_exception());
            }
            break;
        case phase::here: return op_.poll(f);
        case phase::there: break;
        }
        return poll_other(f);
    }

    value_type get() { return phase_ == phase::here ? op_.get() : end_.get(); }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return phase_ == phase::here ? error_type(op_.error()) : error_type(end_.error());
    }
    std::exception_ptr defect() { return phase_ == phase::here ? op_.defect() : end_.defect(); }
    fiber_id interrupted_by() { return phase_ == phase::here ? op_.interrupted_by() : end_.interrupted_by(); }

private:
    enum class phase : unsigned char { before, here, there };

    // Where no request reaches the caller, as in a finalizer, none of the other scheduler may
    // reach what it awaits there.
    void start(fiber_base& f) {
        auto work = end_.run(std::move(op_));
        fiber_ = start_fiber(*there_, there_->fibers(), nullptr, fork_options{},
                             f.is_masked() ? run_masked(std::move(work)) : std::move(work));
    }

    status poll_other(fiber_base& f) {
        auto& other = fiber_.get_state();
        if (!wait_.poll(f, other.cell().waiters(), [&] { other.request_interrupt(f.id()); })) {
            return status::pending;
        }
        status const s = end_.take(f, *fiber_.poll());
        return s == status::interrupted && f.cancel_requested() ? status::cancelled : s;
    }

    scheduler* there_;
    Op op_;
    kept_end<Op> end_;
    fiber<> fiber_;
    ending_wait wait_;
    phase phase_ = phase::before;
};

} // namespace coir::inline v0::detail
