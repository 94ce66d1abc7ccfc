// A finalizer that is told how the stream ended: on_exit.
//
//     auto note = [&](coir::outcome<void, io_error> const& end) { return log.write(end); };
//     source | streams::on_exit(note)
#pragma once

#include <coir/detail/finalizer.hpp>
#include <coir/stream/enclosed.hpp>

namespace coir::inline v0::detail {

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

// As ensuring, but runs `f(outcome<void, E> const&)`: how the stream above ended. It is a success
// too if the consumer stops pulling before the end, for whatever reason.
template <class F>
auto on_exit(F&& f) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::on_exit_stage>(std::forward<F>(f));
}

} // namespace coir::inline v0::streams
