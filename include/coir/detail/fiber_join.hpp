// The operations of waiting for the end of a fiber.
#pragma once

#include <coir/detail/fiber_state.hpp>
#include <coir/detail/outcome_view.hpp>
#include <coir/detail/wait_leaf.hpp>

namespace coir::inline v0 {
template <class T, class E>
class fiber;
}

namespace coir::inline v0::detail {

// Ends as the fiber did.
template <class T, class E>
class [[nodiscard]] fiber_join : public outcome_view<T, E>, private wait_leaf {
public:
    static constexpr bool is_leaf = true;
    explicit fiber_join(fiber<T, E> target) noexcept : target_{std::move(target)} {}

    status poll(fiber_base& f) noexcept {
        target_.get_state().observe();
        switch (wait_leaf::poll(f, cell().waiters())) {
        case wait_leaf::progress::pending: return status::pending;
        case wait_leaf::progress::cancelled: return status::cancelled;
        case wait_leaf::progress::abandoned: // not while we hold a handle
        case wait_leaf::progress::ready: break;
        }
        return this->show(*cell().poll());
    }

protected:
    fiber_end<T, E>& cell() const noexcept { return target_.get_state().cell(); }

private:
    char const* what() const noexcept final { return "fiber"; }
    fiber_id whose() const noexcept final { return target_.id(); }

    fiber<T, E> target_;
};

template <class T, class E>
class [[nodiscard]] fiber_take : public fiber_join<T, E> {
public:
    using value_type = T;
    using fiber_join<T, E>::fiber_join;

    T get() {
        auto& end = this->cell().end();
        if (end.is_success() && !this->cell().take()) {
            throw already_taken{};
        }
        return std::move(end).value();
    }
};

// Gives the outcome, whatever it is; optionally asks the fiber to end first.
template <class T, class E>
class [[nodiscard]] fiber_await : private wait_leaf {
public:
    using value_type = outcome<T, E> const&;
    using error_type = never;
    static constexpr bool is_leaf = true;

    fiber_await(fiber<T, E> target, bool interrupt) noexcept : target_{std::move(target)}, interrupt_{interrupt} {}

    status poll(fiber_base& f) noexcept {
        auto& state = target_.get_state();
        state.observe();
        if (interrupt_ && !f.cancel_requested()) {
            interrupt_ = false;
            state.request_interrupt(f.id());
        }
        switch (wait_leaf::poll(f, state.cell().waiters())) {
        case wait_leaf::progress::pending: return status::pending;
        case wait_leaf::progress::cancelled: return status::cancelled;
        case wait_leaf::progress::abandoned:
        case wait_leaf::progress::ready: break;
        }
        return status::value;
    }

    value_type get() const noexcept { return *target_.get_state().cell().poll(); }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    char const* what() const noexcept final { return "fiber"; }
    fiber_id whose() const noexcept final { return target_.id(); }

    fiber<T, E> target_;
    bool interrupt_;
};

} // namespace coir::inline v0::detail
