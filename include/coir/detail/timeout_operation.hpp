// Operations that give up what they limit, without a fork and without an allocation.
#pragma once

#include <coir/detail/deadline.hpp>
#include <coir/detail/deferred_cell.hpp>
#include <coir/detail/outcome_view.hpp>
#include <coir/detail/region_signal.hpp>
#include <coir/detail/region_timer.hpp>
#include <coir/detail/work.hpp>

#include <optional>
#include <variant>

namespace coir::inline v0::detail {

// What a limited T becomes: nothing when it was given up. A reference result becomes a copy.
template <class T>
struct limited {
    using type = std::optional<std::remove_cvref_t<T>>;
};
template <>
struct limited<void> {
    using type = bool;
};

template <class Op>
typename limited<typename Op::value_type>::type limited_value(Op& op, bool given_up) {
    if constexpr (std::is_void_v<typename Op::value_type>) {
        if (!given_up) {
            op.get();
        }
        return !given_up;
    } else {
        return given_up ? std::nullopt : typename limited<typename Op::value_type>::type{op.get()};
    }
}

template <class Inner>
class [[nodiscard]] timeout_operation : public adaptor<Inner> {
public:
    using value_type = typename limited<typename Inner::value_type>::type;

    timeout_operation(Inner&& inner, timer::time_point::duration d) : adaptor<Inner>{std::move(inner)}, duration_{d} {}

    status poll(fiber_base& f) {
        if (!std::exchange(entered_, true)) {
            region_.enter(f, deadline_after(f.where().now(), duration_));
        }
        status const s = this->inner_.poll(f);
        if (!has_ended(s)) {
            return s;
        }
        expired_ = region_.leave(s);
        return expired_ ? status::value : s;
    }

    value_type get() { return limited_value(this->inner_, expired_); }

    bool has_expired() const noexcept { return expired_; }
    Inner& inner() noexcept { return this->inner_; }

private:
    timer::time_point::duration duration_;
    region_timer region_;
    bool entered_ = false;
    bool expired_ = false;
};

// Fails with `E` instead of giving nothing.
template <class Inner, class E>
class [[nodiscard]] timeout_fail_operation {
public:
    using value_type = typename Inner::value_type;
    using error_type = errors<typename Inner::error_type, E>;

    template <class Err>
    timeout_fail_operation(Inner&& inner, timer::time_point::duration d, Err&& e)
        : limited_{std::move(inner), d}, error_(std::forward<Err>(e)) {}

    status poll(fiber_base& f) {
        status const s = limited_.poll(f);
        return s == status::value && limited_.has_expired() ? status::failure : s;
    }
    value_type get() { return limited_.inner().get(); }
    error_type error() {
        if constexpr (!std::same_as<typename Inner::error_type, never>) {
            if (!limited_.has_expired()) {
                return convert_error<error_type>(limited_.error());
            }
        }
        return convert_error<error_type>(std::move(error_));
    }
    std::exception_ptr defect() { return limited_.defect(); }
    fiber_id interrupted_by() { return limited_.interrupted_by(); }

private:
    timeout_operation<Inner> limited_;
    E error_;
};

template <class Inner, class SignalT, class SignalE>
class [[nodiscard]] interrupt_when_operation {
public:
    using value_type = typename limited<typename Inner::value_type>::type;
    using error_type = errors<typename Inner::error_type, SignalE>;

    interrupt_when_operation(Inner&& inner, deferred_cell<SignalT, SignalE>& signal)
        : inner_{std::move(inner)}, signal_{&signal} {}

    status poll(fiber_base& f) {
        switch (phase_) {
        case phase::before:
            if (signal_->is_done() || !region_.enter(f, signal_->waiters())) {
                return given_up();
            }
            phase_ = phase::body;
            [[fallthrough]];
        case phase::body:
            ended_ = inner_.poll(f);
            if (!has_ended(ended_)) {
                return ended_;
            }
            phase_ = phase::leaving;
            [[fallthrough]];
        case phase::leaving:
            if (!region_.leave()) {
                return status::pending;
            }
            phase_ = phase::left;
            return region_.exit(ended_) ? given_up() : ended_;
        case phase::left: break;
        }
        return ended_;
    }

    value_type get() {
        if (ended_ == status::defect && given_up_) {
            std::rethrow_exception(defect());
        }
        return limited_value(inner_, given_up_);
    }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return given_up_ ? error_as<error_type>(*signal_->poll()) : error_as<error_type>(inner_);
    }
    std::exception_ptr defect() { return given_up_ ? signal_->poll()->defect() : inner_.defect(); }
    fiber_id interrupted_by() {
        if (given_up_) {
            return region_.was_abandoned() ? fiber_id{} : signal_->poll()->interrupted_by();
        }
        return inner_.interrupted_by();
    }

private:
    enum class phase : unsigned char { before, body, leaving, left };

    status given_up() noexcept {
        phase_ = phase::left;
        given_up_ = true;
        ended_ = region_.was_abandoned() ? status::interrupted : status_of(signal_->poll()->kind());
        return ended_;
    }

    Inner inner_;
    deferred_cell<SignalT, SignalE>* signal_;
    region_signal region_;
    phase phase_ = phase::before;
    status ended_ = status::pending;
    bool given_up_ = false;
};

} // namespace coir::inline v0::detail
