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

// A handle to a fiber, and a place among those who wait for its end.
template <class T, class E>
class fiber_wait : private wait_leaf {
public:
    explicit fiber_wait(fiber<T, E> target) noexcept : target_{std::move(target)} {}

protected:
    auto& target() const noexcept { return target_.get_state(); }
    auto& cell() const noexcept { return target().cell(); }

    // value: it has ended.
    status poll_end(fiber_base& f) noexcept {
        target().observe();
        switch (wait_leaf::poll(f, cell().waiters())) {
        case progress::pending: return status::pending;
        case progress::cancelled: return status::cancelled;
        case progress::abandoned: // not while we hold a handle
        case progress::ready: break;
        }
        return status::value;
    }

private:
    char const* what() const noexcept final { return "fiber"; }
    fiber_id whose() const noexcept final { return target_.id(); }

    fiber<T, E> target_; // right behind the leaf, where docs/gdb/coir.py looks for it
};

// Ends as the fiber did.
template <class T, class E>
class fiber_view : public outcome_view<fiber_view<T, E>, T, E>, protected fiber_wait<T, E> {
public:
    static constexpr bool is_leaf = true;
    using fiber_wait<T, E>::fiber_wait;

    status poll(fiber_base& f) noexcept {
        status const s = this->poll_end(f);
        if (s != status::value) {
            return s;
        }
        ended_ = true;
        return status_of(this->cell().end().kind());
    }
    outcome<T, E> const* shown() const noexcept { return ended_ ? &this->cell().end() : nullptr; }

private:
    bool ended_ = false;
};

template <class T, class E>
class [[nodiscard]] fiber_join final : public fiber_view<T, E> {
public:
    using fiber_view<T, E>::fiber_view;
};

template <class T, class E>
class [[nodiscard]] fiber_take final : public fiber_view<T, E> {
public:
    using value_type = T;
    using fiber_view<T, E>::fiber_view;

    T get() {
        auto& end = this->cell().end();
        if (end.is_success() && !this->cell().take()) {
            throw already_taken{};
        }
        return std::move(end).value();
    }
};

// Gives the outcome, whatever it is; optionally asks the fiber to end first. End: a reference, or,
// for who awaits by a handle that is gone afterwards, a copy.
template <class T, class E, class End>
class [[nodiscard]] fiber_await final : private fiber_wait<T, E> {
public:
    using value_type = End;
    using error_type = never;
    static constexpr bool is_leaf = true;

    fiber_await(fiber<T, E> target, bool interrupt) noexcept
        : fiber_wait<T, E>{std::move(target)}, interrupt_{interrupt} {}

    status poll(fiber_base& f) noexcept {
        if (interrupt_ && !f.cancel_requested()) {
            interrupt_ = false;
            this->target().observe(); // before it can end
            this->target().request_interrupt(f.id());
        }
        return this->poll_end(f);
    }

    value_type get() const { return *this->cell().poll(); }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    bool interrupt_;
};

} // namespace coir::inline v0::detail
