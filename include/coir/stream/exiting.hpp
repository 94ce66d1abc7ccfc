// Finalizers of a stream: ensuring, and on_exit, which is told how the stream ended.
//
//     source | streams::ensuring(close_file)
//
//     auto note = [&](coir::outcome<void, io_error> const& end) { return log.write(end); };
//     source | streams::on_exit(note)
#pragma once

#include <coir/detail/finalizer.hpp>
#include <coir/stream/each.hpp>
#include <coir/stream/enclosed.hpp>

namespace coir::inline v0::detail {

// Runs a finalizer after the stream above it is closed.
template <class Up, class F>
class ensuring_stage : public stage<Up> {
    static_assert(finalizer<F>, "coir: a finalizer is a callable that returns task<void, never>");

public:
    ensuring_stage(Up&& up, F&& f) : stage<Up>{std::move(up)}, finalizer_{std::move(f)} {}
    ensuring_stage(ensuring_stage&& other) : stage<Up>{std::move(other.up_)}, finalizer_{std::move(other.finalizer_)} {}

    status poll_next(fiber_base& f, std::optional<typename Up::value_type>& out) {
        pulled_ = true;
        return this->up_.poll_next(f, out);
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        pulled_ = true;
        return pull_each(this->up_, f, give);
    }

    status poll_close(fiber_base& f) {
        if (!has_ended(closed_)) {
            closed_ = this->up_.poll_close(f);
            if (!has_ended(closed_)) {
                return closed_;
            }
        }
        if (!pulled_) {
            return closed_;
        }
        status const s = finalizer_.poll(f);
        if (s == status::defect) {
            thrown_ = closed_ == status::value;
            closed_ = finalizer_.settle(f, closed_);
        }
        return has_ended(s) ? closed_ : s;
    }
    std::exception_ptr defect() { return thrown_ ? finalizer_.defect() : this->up_.defect(); }

private:
    finalizing<F> finalizer_;
    status closed_ = status::pending;
    bool pulled_ = false;
    bool thrown_ = false;
};

template <class Up, class F>
class on_exit_stage {
    using outcome_type = outcome<void, typename Up::error_type>;
    static_assert(finalizer<F, outcome_type const&>,
                  "coir: a finalizer of on_exit takes outcome<void, E> const&, E the "
                  "error type of the stream, and returns task<void, never>");

public:
    using value_type = typename Up::value_type;
    using error_type = typename Up::error_type;

    on_exit_stage(Up&& up, F&& f) : up_{std::move(up)}, finalizer_{std::move(f)} {}
    on_exit_stage(on_exit_stage&& other) // before it begins
        : up_{std::move(other.up_)}, finalizer_{std::move(other.finalizer_)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) noexcept {
        try {
            last_ = up_.poll_next(f, out);
            if (last_ == status::defect) {
                thrown_ = up_.stream().defect();
            }
        } catch (...) {
            thrown_ = std::current_exception();
            last_ = status::defect;
        }
        return *last_;
    }

    // The stream above is closed before the finalizer is told of its end.
    status poll_close(fiber_base& f) {
        if (!last_) {
            return up_.poll_close(f);
        }
        if (!end_) {
            status const s = up_.poll_close(f);
            if (!has_ended(s)) {
                return s;
            }
            take_end(f);
        }
        status const s = finalizer_.poll(f, std::as_const(*end_));
        if (!has_ended(s)) {
            return s;
        }
        if (s == status::defect && closing_thrown_) {
            f.suppressed.add(finalizer_.defect());
        } else if (s == status::defect) {
            closing_thrown_ = finalizer_.defect();
        }
        return closing_thrown_ ? status::defect : status::value;
    }

    error_type&& error()
        requires(!std::same_as<error_type, never>)
    {
        return std::move(*end_).error();
    }
    std::exception_ptr defect() {
        if (!last_) {
            return up_.thrown();
        }
        return end_ ? closing_thrown_ : thrown_;
    }
    fiber_id interrupted_by() { return up_.stream().interrupted_by(); }

private:
    void take_end(fiber_base& f) {
        try {
            end_.emplace(how_it_ended(f));
        } catch (...) { // moving the error threw
            end_.emplace(outcome_type::died(std::current_exception()));
        }
        closing_thrown_ = up_.thrown();
        if (closing_thrown_ && end_->is_success()) {
            end_.emplace(outcome_type::died(closing_thrown_));
        } else if (closing_thrown_) {
            end_->add_suppressed(closing_thrown_);
        }
    }

    // A consumer that stops early is no failure of the stream.
    outcome_type how_it_ended(fiber_base& f) {
        switch (*last_) {
        case status::value:
        case status::end: return outcome_type::success();
        case status::failure:
            if constexpr (!std::same_as<error_type, never>) {
                return outcome_type::failure(up_.stream().error());
            } else {
                break;
            }
        case status::defect: return outcome_type::died(thrown_);
        case status::interrupted: return outcome_type::interrupted(up_.stream().interrupted_by());
        default: break;
        }
        return outcome_type::interrupted(f.interrupted_by());
    }

    enclosed<Up> up_;
    finalizing<F, outcome_type const&> finalizer_;
    std::optional<status> last_; // of the last pull, if there was one
    std::optional<outcome_type> end_;
    std::exception_ptr thrown_;
    std::exception_ptr closing_thrown_;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// Runs `f` once, masked, however the stream ends, after its own resources are released. A stream
// that was never pulled has nothing to close.
template <class F>
auto ensuring(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::ensuring_stage>(std::forward<F>(f));
}

// As ensuring, but runs `f(outcome<void, E> const&)`: how the stream above ended. It is a success
// too if the consumer stops pulling before the end, for whatever reason.
template <class F>
auto on_exit(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::on_exit_stage>(std::forward<F>(f));
}

} // namespace coir::inline v0::streams
