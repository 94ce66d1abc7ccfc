// The operation of scope::fork_started: starts a child and waits until it says that it is ready.
//
// The child is a member of the scope from the beginning, but until it is ready its end belongs to
// the one who waits for it. Who is interrupted while waiting takes the child's word away, once;
// then the child's end is awaited, whatever it says.
#pragma once

#include <coir/detail/group.hpp>
#include <coir/detail/started.hpp>
#include <coir/detail/wait_leaf.hpp>
#include <coir/fiber.hpp>

namespace coir::inline v0::detail {

template <class V, class T, class E, class Ended, class Work, class... Args>
class starting_fiber final : public fiber_run<T, E, announced_work<Work, V>, Args...> {
    using base = fiber_run<T, E, announced_work<Work, V>, Args...>;

public:
    using outcome_type = outcome<T, E>;
    using handle_type = fiber<T, E>;

    template <class W, class... As>
    starting_fiber(scheduler& s, nursery& owner, Ended on_end, W&& w, As&&... args)
        : base{s, owner, announced_work<Work, V>{std::forward<W>(w), ready_}, std::forward<As>(args)...},
          on_end_{std::move(on_end)} {}

    deferred_cell<V, never>& said() noexcept { return ready_.said_; }
    // True: the child is not ready and cannot become so any more.
    bool will_not_be_said() noexcept { return ready_.take_back(); }

private:
    void ended(outcome<T, E> const& end) noexcept override {
        // Whoever gave up waits for the outcome itself.
        if (!will_not_be_said() && ready_.is_said()) {
            on_end_(end);
        }
    }
    void destroy() noexcept override { delete this; }

    started<V> ready_;
    Ended on_end_;
};

// Waits at a list, whatever is asked of the fiber meanwhile.
class masked_leaf {
public:
    bool poll(fiber_base& f, waiter_list& list) noexcept {
        if (!std::exchange(masked_, true)) {
            shield_before_ = f.mask();
        }
        if (leaf_.poll(f, list) == wait_leaf::progress::pending) {
            return false;
        }
        f.set_shield(shield_before_);
        return true;
    }

private:
    wait_leaf leaf_;
    std::uint32_t shield_before_ = 0;
    bool masked_ = false;
};

// `Fork` makes the child, starts it, and returns a handle.
template <class V, class Child, class Fork>
class [[nodiscard]] start_operation {
    using child_outcome = typename Child::outcome_type;

public:
    using value_type = V;
    using error_type = typename child_outcome::error_type;

    explicit start_operation(Fork&& fork) : fork_{std::move(fork)} {}

    status poll(fiber_base& f) {
        switch (phase_) {
        case phase::before: return begin(f);
        case phase::waiting:
            switch (leaf_.poll(f, child().said().waiters())) {
            case wait_leaf::progress::pending: return status::pending;
            case wait_leaf::progress::cancelled: return give_up(f);
            case wait_leaf::progress::abandoned: // not while we hold the child
            case wait_leaf::progress::ready: break;
            }
            return said(f);
        case phase::settling: return settling_.poll(f, child().said().waiters()) ? said(f) : status::pending;
        case phase::ending: return ending_.poll(f, child().cell().waiters()) ? ended(f) : status::pending;
        }
        return status::pending;
    }

    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return std::move(child().said().end()).value();
    }
    error_type&& error()
        requires(!std::same_as<error_type, never>)
    {
        return std::move(child().cell().end()).error();
    }
    std::exception_ptr defect() { return thrown_; }
    fiber_id interrupted_by() { return child().cell().end().interrupted_by(); }

private:
    enum class phase : unsigned char { before, waiting, settling, ending };

    Child& child() noexcept { return static_cast<Child&>(handle_.get_state()); }

    status begin(fiber_base& f) {
        if (f.cancel_requested()) {
            return status::cancelled;
        }
        try {
            handle_ = fork_();
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
        phase_ = phase::waiting;
        return poll(f);
    }

    status give_up(fiber_base& f) noexcept {
        // Else it was said just now, or the child has ended: that is what counts.
        gave_up_ = child().will_not_be_said();
        if (gave_up_) {
            child().request_interrupt(f.id());
        }
        phase_ = gave_up_ ? phase::ending : phase::settling;
        return poll(f);
    }

    status said(fiber_base& f) {
        auto& word = child().said().end();
        if (word.is_interrupted()) {
            phase_ = phase::ending;
            return poll(f);
        }
        thrown_ = word.is_defect() ? word.defect() : nullptr;
        return thrown_ ? status::defect : status::value;
    }

    status ended(fiber_base& f) {
        child().observe();
        child_outcome& end = child().cell().end();
        for (std::exception_ptr const& thrown : end.suppressed()) {
            f.suppressed.add(thrown);
        }
        if (end.is_failure()) {
            return status::failure;
        }
        if (end.is_defect()) {
            thrown_ = end.defect();
            return status::defect;
        }
        if (gave_up_) {
            return status::cancelled;
        }
        if (end.is_interrupted()) {
            return status::interrupted;
        }
        thrown_ = std::make_exception_ptr(not_started{});
        return status::defect;
    }

    Fork fork_;
    typename Child::handle_type handle_;
    wait_leaf leaf_;
    masked_leaf settling_;
    masked_leaf ending_;
    std::exception_ptr thrown_;
    phase phase_ = phase::before;
    bool gave_up_ = false;
};

} // namespace coir::inline v0::detail
