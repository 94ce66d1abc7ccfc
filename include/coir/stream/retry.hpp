// Starting a stream again: when it fails, or when it ends.
//
//     auto attempt = [&] { return answer(question); };
//     auto tokens = coir::streams::retry_if_nothing_emitted(attempt, coir::exponential(500ms) && coir::recurs(3));
//
// What the consumer has seen may come again after a retry, which retry_if_nothing_emitted rules
// out: there a failure after the first element is final.
#pragma once

#include <coir/detail/retry_operation.hpp>
#include <coir/stream/enclosed.hpp>

namespace coir::inline v0::detail {

struct after_failure {
    static constexpr status ending = status::failure;
    static constexpr bool elements_reset_policy = true;
    static constexpr bool elements_are_final = false;
};
struct after_failure_without_elements {
    static constexpr status ending = status::failure;
    static constexpr bool elements_reset_policy = false;
    static constexpr bool elements_are_final = true;
};
struct after_end {
    static constexpr status ending = status::end;
    static constexpr bool elements_reset_policy = false;
    static constexpr bool elements_are_final = false;
};

// For ever, without delay.
struct at_once {
    template <class E>
    std::optional<clock::duration> next(schedule_step const&, E const&) const noexcept {
        return clock::duration::zero();
    }
};

// closing: the stream that has ended releases its resources before the next begins.
template <class Factory, class Policy, class Rule>
class restarting_source {
    using inner = std::invoke_result_t<Factory&>;
    static_assert(async_stream<inner>, "coir: this takes a function that makes a stream");
    static constexpr bool can_fail = !std::same_as<typename inner::error_type, never>;
    static_assert(can_fail || Rule::ending != status::failure, "coir: retry is for what can fail");
    using told = std::conditional_t<Rule::ending == status::failure, typename inner::error_type, unit>;
    static_assert(tells_when<Policy, told>, "coir: retry and repeat take a schedule, such as spaced(1s) && recurs(5)");

public:
    using value_type = typename inner::value_type;
    using error_type = typename inner::error_type;

    template <class F>
    restarting_source(std::in_place_t, F&& factory, Policy policy)
        : factory_(std::forward<F>(factory)), attempts_{std::move(policy)} {}
    restarting_source(restarting_source&& other) // before the first pull
        : factory_(std::move(other.factory_)), attempts_{std::move(other.attempts_)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        for (;;) {
            switch (state_) {
            case state::before:
                attempts_.begin(f);
                running_.emplace(factory_());
                state_ = state::pulling;
                [[fallthrough]];
            case state::pulling: {
                status const s = running_->poll_next(f, out);
                emitted_ = emitted_ || s == status::value;
                if (s != Rule::ending || (Rule::elements_are_final && emitted_)) {
                    return s;
                }
                state_ = state::closing;
                [[fallthrough]];
            }
            case state::closing: {
                status const s = close(f);
                if (!has_ended(s)) {
                    return s;
                }
                if (s == status::defect || !wants_another(f)) {
                    state_ = state::over;
                    return s == status::defect ? s : Rule::ending;
                }
                if constexpr (Rule::ending == status::failure) {
                    f.forget_suppressed();
                }
                running_.reset();
                sleep_.emplace(delay_);
                state_ = state::sleeping;
                [[fallthrough]];
            }
            case state::sleeping: {
                status const s = sleep_->poll(f);
                if (s != status::value) {
                    return s;
                }
                sleep_.reset();
                failure_.reset();
                state_ = state::before;
                if (++restarts_ == budget) {
                    restarts_ = 0;
                    return rest(f);
                }
                break;
            }
            case state::over: return status::end;
            }
        }
    }

    status poll_close(fiber_base& f) {
        closing_ = true;
        return running_ ? running_->poll_close(f) : status::value;
    }

    error_type error()
        requires(can_fail)
    {
        return failure_ ? std::move(*failure_) : error_type{running_->stream().error()};
    }
    std::exception_ptr defect() {
        return closing_ || state_ == state::over ? running_->thrown() : running_->stream().defect();
    }
    fiber_id interrupted_by() { return running_ ? running_->stream().interrupted_by() : fiber_id{}; }

private:
    enum class state : unsigned char { before, pulling, closing, sleeping, over };

    status close(fiber_base& f) noexcept {
        if constexpr (Rule::ending == status::failure) {
            return running_->close_failed(f);
        } else {
            return running_->close(f);
        }
    }

    bool wants_another(fiber_base& f) {
        if (Rule::elements_reset_policy && std::exchange(emitted_, false)) {
            attempts_.restart(f);
        }
        std::optional<clock::duration> delay;
        if constexpr (Rule::ending == status::failure) {
            failure_.emplace(running_->stream().error());
            delay = attempts_.next(f, *failure_);
        } else {
            delay = attempts_.next(f, unit{});
        }
        delay_ = delay.value_or(clock::duration::zero());
        return delay.has_value();
    }

    Factory factory_;
    attempts<Policy> attempts_;
    std::optional<enclosed<inner>> running_;
    std::optional<sleeping> sleep_;
    std::optional<error_type> failure_; // of the attempt that decides about another
    clock::duration delay_{};
    unsigned restarts_ = 0;
    state state_ = state::before;
    bool emitted_ = false;
    bool closing_ = false;
};

template <class Factory>
concept makes_a_stream = async_stream<std::invoke_result_t<stored<Factory>&>>;

template <class Rule, class Factory, class Policy>
auto make_restarting(Factory&& factory, Policy&& policy) {
    return restarting_source<stored<Factory>, std::remove_cvref_t<Policy>, Rule>{
        std::in_place, unwrap(std::forward<Factory>(factory)), std::forward<Policy>(policy)};
}

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The elements of `factory()`'s stream and, whenever that fails and `policy` says so, of the next
// one that `factory` makes. A failed one is closed first. After an element, the policy begins anew
// with the next failure. Sleeping between attempts is interruptible.
template <class Factory, class Policy>
    requires std::invocable<detail::stored<Factory>&> && detail::makes_a_stream<Factory> // more than coir::retry asks
auto retry(Factory&& factory, Policy policy) {
    COIR_CHECK_CLOSURE(Factory);
    return detail::make_restarting<detail::after_failure>(std::forward<Factory>(factory), std::move(policy));
}
template <class Factory, class Policy>
auto retry(Factory&&, Policy) {
    static_assert(detail::makes_a_stream<Factory>, "coir: this takes a function that makes a stream");
}

// The elements of `factory()`'s stream; as long as it fails before its first element and
// `policy` says so, of the next one that `factory` makes. A failed one is closed first.
template <class Factory, class Policy>
auto retry_if_nothing_emitted(Factory&& factory, Policy policy) {
    COIR_CHECK_CLOSURE(Factory);
    return detail::make_restarting<detail::after_failure_without_elements>(std::forward<Factory>(factory),
                                                                           std::move(policy));
}

// The elements of `factory()`'s stream and, whenever that ends and `policy` says so, of the next
// one that `factory` makes. The one that ended is closed first. A failure ends it.
template <class Factory, class Policy>
auto repeat(Factory&& factory, Policy policy) {
    COIR_CHECK_CLOSURE(Factory);
    return detail::make_restarting<detail::after_end>(std::forward<Factory>(factory), std::move(policy));
}

// The same for ever.
template <class Factory>
auto forever(Factory&& factory) {
    COIR_CHECK_CLOSURE(Factory);
    return detail::make_restarting<detail::after_end>(std::forward<Factory>(factory), detail::at_once{});
}

} // namespace coir::inline v0::streams
