// Running a finalizer: masked, to its end, and what it throws never hides the first cause.
#pragma once

#include <coir/detail/later_end.hpp>
#include <coir/detail/work.hpp>

namespace coir::inline v0::detail {

template <class F, class... Late>
concept finalizer = std::invocable<F&, Late...> && awaitable<std::invoke_result_t<F&, Late...>> &&
                    std::same_as<await_error_t<std::invoke_result_t<F&, Late...>>, never>;

template <class F, class... Late>
class finalizing {
public:
    template <class G>
    explicit finalizing(G&& f) : run_(std::forward<G>(f)) {}

    // Begins, or goes on. status::value: done; status::defect: it threw.
    status poll(fiber_base& f, Late... late) {
        if (!std::exchange(masked_, true)) {
            shield_before_ = f.mask();
            before_ = std::exchange(f.suppressed, {});
        }
        status const s = run_.poll(f, std::forward<Late>(late)...);
        if (has_ended(s)) {
            f.set_shield(shield_before_);
            suppressed_list const own = std::exchange(f.suppressed, std::move(before_));
            add_later(f, own.view());
        }
        return s;
    }

    // After a defect: how the whole ended, which until then was `first`.
    status settle(fiber_base& f, status first) {
        if (first == status::value) {
            return status::defect;
        }
        f.suppressed.add(run_.defect());
        return first;
    }

    std::exception_ptr defect() { return run_.defect(); }

private:
    invocation<F, Late...> run_;
    suppressed_list before_; // beside the cause why it runs; what it handles itself is no part of that
    std::uint32_t shield_before_ = 0;
    bool masked_ = false;
};

// Begins an operation with a finalizer and ends as the operation did, or with the defect of the
// finalizer. `Late` is what the finalizer is told; derived classes give it.
template <class Inner, class F>
class [[nodiscard]] ensuring_operation : public adaptor<Inner> {
public:
    template <class G>
    ensuring_operation(Inner&& inner, G&& f) : adaptor<Inner>{std::move(inner)}, finalizer_{std::forward<G>(f)} {}

    status poll(fiber_base& f) {
        if (!has_ended(ended_)) {
            ended_ = this->inner_.poll(f);
            if (!has_ended(ended_)) {
                return ended_;
            }
        }
        status const s = finalizer_.poll(f);
        if (!has_ended(s)) {
            return s;
        }
        if (s == status::defect) {
            thrown_ = ended_ == status::value;
            ended_ = finalizer_.settle(f, ended_);
        }
        return ended_;
    }

    typename Inner::value_type get() {
        if (thrown_) {
            std::rethrow_exception(finalizer_.defect());
        }
        return this->inner_.get();
    }
    std::exception_ptr defect() { return thrown_ ? finalizer_.defect() : this->inner_.defect(); }

private:
    finalizing<F> finalizer_;
    status ended_ = status::pending;
    bool thrown_ = false;
};

// The same with a finalizer that is told the outcome.
template <class Inner, class F>
class [[nodiscard]] on_exit_operation {
public:
    using value_type = typename Inner::value_type;
    using error_type = typename Inner::error_type;
    using outcome_type = outcome<value_type, error_type>;

    template <class G>
    on_exit_operation(Inner&& inner, G&& f) : inner_{std::move(inner)}, finalizer_{std::forward<G>(f)} {}

    status poll(fiber_base& f) {
        if (!end_) {
            ended_ = inner_.poll(f);
            if (!has_ended(ended_)) {
                return ended_;
            }
            take_end(f);
        }
        status const s = finalizer_.poll(f, std::as_const(*end_));
        if (!has_ended(s)) {
            return s;
        }
        if (s == status::defect) {
            std::exception_ptr thrown = finalizer_.defect();
            ended_ = finalizer_.settle(f, ended_);
            if (ended_ == status::defect && end_->is_success()) {
                end_.emplace(outcome_type::died(std::move(thrown)));
            }
        }
        return ended_;
    }

    value_type get() { return std::move(*end_).value(); }
    error_type&& error()
        requires(!std::same_as<error_type, never>)
    {
        return std::move(*end_).error();
    }
    std::exception_ptr defect() { return end_->defect(); }
    fiber_id interrupted_by() { return end_->interrupted_by(); }

private:
    void take_end(fiber_base& f) {
        // The finalizer is shown what was suppressed, and whoever sees the end later is too.
        suppressed_list const thrown = f.suppressed;
        try {
            end_.emplace(outcome_of<outcome_type>(inner_, ended_, f));
        } catch (...) { // moving the value or the error threw
            end_.emplace(outcome_type::died(std::current_exception()));
            ended_ = status::defect;
        }
        f.suppressed = thrown;
    }

    Inner inner_;
    finalizing<F, outcome_type const&> finalizer_;
    std::optional<outcome_type> end_;
    status ended_ = status::pending;
};

} // namespace coir::inline v0::detail
