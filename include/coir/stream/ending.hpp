// A stage that ends a stream in the middle of a pull: interrupt_when.
//
//     source | streams::interrupt_when(stop)
#pragma once

#include <coir/detail/region_signal.hpp>
#include <coir/stream/each.hpp>
#include <coir/stream/signalled.hpp>

namespace coir::inline v0::detail {

// Looks at the signal before each pull. A cancel region lies around each pull, so that masks
// inside it hold against the signal too; the signal hears of it only if the pull waits. It is
// left before the pull returns, as later it would cancel a wait of the stages below. In a loop
// they do not wait, so that one region lies around all of it.
template <class Up, class Signal>
class interrupt_when_stage : public signalled_stage<Up, Signal> {
    using base = signalled_stage<Up, Signal>;

public:
    using value_type = typename Up::value_type;
    using base::base;

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (state_ == state::idle) [[likely]] {
            return begin(f, out);
        }
        if (state_ == state::armed) {
            ended_ = pull(f, held_);
            if (!has_ended(ended_)) {
                return ended_;
            }
            state_ = state::leaving;
        }
        return state_ == state::leaving ? leave(out) : stopped();
    }

    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        if (state_ != state::idle) { // in the middle of a pull
            std::optional<value_type> out;
            status const s = poll_next(f, out);
            if (s != status::value || !give(std::move(*out))) {
                return s;
            }
            if (state_ == state::abandoned) {
                return stopped();
            }
        }
        if (this->is_signalled()) {
            return stopped();
        }
        bool more = true;
        surrounding around{region_, f};
        auto const pass = [&](value_type&& x) COIR_FUSED_LAMBDA {
            more = give(std::move(x));
            return more && (asks || !this->is_signalled());
        };
        auto const look = [signal = &this->signal_->waiters()]() COIR_FUSED_LAMBDA { return !signal->seems_done(); };
        status s = status::pending;
        if constexpr (asks) {
            s = pull_each(this->up_, f, giving_while(give, pass, look));
        } else {
            s = pull_each(this->up_, f, giving(give, pass));
        }
        if (!has_ended(s)) {
            around.stay();
            listen(f);
            return s;
        }
        return s == status::value && more && this->is_signalled() ? stopped() : s;
    }

    std::exception_ptr defect() { return thrown_ && !this->closing_ ? thrown_ : base::defect(); }
    fiber_id interrupted_by() {
        return this->stopped_ && region_.was_abandoned() ? fiber_id{} : base::interrupted_by();
    }

private:
    enum class state : unsigned char { idle, armed, leaving, abandoned };

    status begin(fiber_base& f, std::optional<value_type>& out) {
        if (this->is_signalled()) {
            return stopped();
        }
        region_.surround(f);
        status const s = pull(f, out);
        if (has_ended(s)) [[likely]] {
            region_.forget(f);
        } else {
            listen(f);
        }
        return s;
    }

    // Forgets the region at the end of its scope, also when something is thrown.
    class surrounding {
    public:
        surrounding(region_signal& r, fiber_base& f) noexcept : region_{&r}, fiber_{f} { r.surround(f); }
        ~surrounding() {
            if (region_ != nullptr) {
                region_->forget(fiber_);
            }
        }
        surrounding(surrounding const&) = delete;
        surrounding& operator=(surrounding const&) = delete;
        void stay() noexcept { region_ = nullptr; }

    private:
        region_signal* region_;
        fiber_base& fiber_;
    };

    void listen(fiber_base& f) noexcept {
        region_.listen(f, this->signal_->waiters());
        state_ = state::armed;
    }

    // A throw must not leave the region behind.
    status pull(fiber_base& f, std::optional<value_type>& out) noexcept {
        try {
            return this->up_.poll_next(f, out);
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }

    status leave(std::optional<value_type>& out) {
        if (!region_.leave()) {
            return status::pending;
        }
        // A signal that was destroyed is not looked at again.
        state_ = region_.was_abandoned() ? state::abandoned : state::idle;
        if (region_.exit(ended_)) {
            return stopped();
        }
        if (ended_ == status::value) {
            out.emplace(std::move(*held_));
            held_.reset();
        }
        return ended_;
    }

    status stopped() noexcept {
        if (region_.was_abandoned()) {
            this->stopped_ = true;
            return status::interrupted;
        }
        return base::stopped();
    }

    region_signal region_;
    std::optional<value_type> held_;
    std::exception_ptr thrown_;
    state state_ = state::idle;
    status ended_ = status::pending;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// Ends the stream as soon as `signal` is done, even in the middle of a pull, which is interrupted
// and cleans up first. The signal is looked at before each pull; a pull that had completed when
// it fired gives its element, the last one. The stages below are not interrupted. The signal
// outlives the stream; one that is destroyed unfinished in the middle of a pull ends it as
// interrupted.
template <class T, class E>
auto interrupt_when(deferred<T, E>& signal) {
    return detail::make_stage<detail::interrupt_when_stage>(&signal.get_cell());
}
template <class Signal>
    requires(!detail::deferred_lvalue<Signal>)
auto interrupt_when(Signal&&) {
    static_assert(detail::fits<Signal>,
                  "coir: the signal of streams::interrupt_when is a deferred&; of a shared_deferred, *d");
}

} // namespace coir::inline v0::streams
