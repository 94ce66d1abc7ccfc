// Starting a stream again when it fails.
//
//     auto attempt = [&] { return answer(question); };
//     auto tokens = coir::streams::retry_if_nothing_emitted(attempt, coir::exponential(500ms) && coir::recurs(3));
//
// What the consumer has seen is never repeated: after the first element a failure is final.
#pragma once

#include <coir/detail/retry_operation.hpp>
#include <coir/stream/concept.hpp>

#include <functional>

namespace coir::inline v0::detail {

// closing: the failed attempt releases its resources before the next begins. It is part of a
// pull, so it is masked here.
template <class Factory, class Policy>
class retry_source {
    using inner = std::invoke_result_t<Factory&>;
    static_assert(async_stream<inner>, "coir: this takes a function that makes a stream");

public:
    using value_type = typename inner::value_type;
    using error_type = typename inner::error_type;

    retry_source(Factory factory, Policy policy)
        : factory_(std::move(factory)), attempts_{std::move(policy)} {}
    retry_source(retry_source&& other) // before the first pull
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
                if (s != status::failure || emitted_ || !wants_retry(f)) {
                    return s; // a failure that is final
                }
                shield_before_ = f.mask();
                state_ = state::closing;
                [[fallthrough]];
            }
            case state::closing: {
                status const s = running_->poll_close(f);
                if (!has_ended(s)) {
                    return s;
                }
                f.set_shield(shield_before_);
                if (s == status::defect) {
                    state_ = state::closed;
                    return s;
                }
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
                running_.reset();
                failure_.reset();
                state_ = state::before;
                break;
            }
            case state::closed: return status::end;
            }
        }
    }

    status poll_close(fiber_base& f) {
        return state_ == state::pulling && running_ ? running_->poll_close(f) : status::value;
    }

    error_type error() {
        return failure_ ? std::move(*failure_) : error_type{running_->error()};
    }
    std::exception_ptr defect() { return running_->defect(); }
    fiber_id interrupted_by() { return running_->interrupted_by(); }

private:
    enum class state : unsigned char { before, pulling, closing, sleeping, closed };

    bool wants_retry(fiber_base& f) {
        failure_.emplace(running_->error());
        auto const delay = attempts_.next(f, *failure_);
        delay_ = delay.value_or(clock::duration::zero());
        return delay.has_value();
    }

    Factory factory_;
    attempts<Policy> attempts_;
    std::optional<inner> running_;
    std::optional<sleeping> sleep_;
    std::optional<error_type> failure_; // of the attempt that decides about another
    clock::duration delay_{};
    std::uint32_t shield_before_ = 0;
    state state_ = state::before;
    bool emitted_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The elements of `factory()`'s stream; as long as it fails before its first element and
// `policy` says so, of the next one that `factory` makes. A failed one is closed first.
template <class Factory, class Policy>
auto retry_if_nothing_emitted(Factory&& factory, Policy policy) {
    COIR_CHECK_CLOSURE(Factory);
    return detail::retry_source<detail::stored<Factory>, Policy>{detail::unwrap(std::forward<Factory>(factory)),
                                                                 std::move(policy)};
}

} // namespace coir::inline v0::streams
