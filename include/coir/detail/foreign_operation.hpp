// The operation of awaiting what another library made.
//
// It is an interruption point before it begins. While it waits, an interruption asks the foreign
// side whether it gives up:
//
//     bool await_cancel() noexcept        true: it will not resume any more; false: it will, or has
//     bool await_must_resume() noexcept   optional, asked after a resumption that followed a false:
//                                         is there a result? (If there is none, false.)
//
// Without await_cancel, or after a false, the fiber waits on; a result that came is given, and the
// interruption is taken at the next point. await_cancel is called on the thread that interrupts, or
// on the fiber's, after await_suspend has returned and possibly while another thread resumes.
#pragma once

#include <coir/detail/bridge.hpp>
#include <coir/detail/fiber_base.hpp>

#include <memory>
#include <new>

namespace coir::inline v0::detail {

// The operand of co_await: held, or referred to.
template <class A>
class foreign_operand {
public:
    explicit foreign_operand(A&& a) : value_(std::forward<A>(a)) {}
    A&& get() noexcept { return std::forward<A>(value_); }

private:
    A value_;
};
template <class A>
    requires std::is_reference_v<A>
class foreign_operand<A> {
public:
    explicit foreign_operand(A&& a) noexcept : at_{std::addressof(a)} {}
    A&& get() noexcept { return static_cast<A&&>(*at_); }

private:
    std::remove_reference_t<A>* at_;
};

// The awaiter made from it, in place, as it need not be movable.
template <class W>
class foreign_awaiter_slot {
public:
    foreign_awaiter_slot() noexcept {} // NOLINT: the union stays empty
    foreign_awaiter_slot(foreign_awaiter_slot const&) = delete;
    foreign_awaiter_slot& operator=(foreign_awaiter_slot const&) = delete;
    ~foreign_awaiter_slot() {
        if (made_) {
            std::destroy_at(std::addressof(awaiter_));
        }
    }

    template <class A>
    W& make(A&& operand) {
        ::new (static_cast<void*>(std::addressof(awaiter_))) W(awaiter_of(std::forward<A>(operand)));
        made_ = true;
        return awaiter_;
    }
    W& get() noexcept { return awaiter_; }

private:
    union {
        std::remove_const_t<W> awaiter_;
    };
    bool made_ = false;
};
template <class W>
    requires std::is_reference_v<W>
class foreign_awaiter_slot<W> {
public:
    template <class A>
    std::remove_reference_t<W>& make(A&& operand) {
        auto&& found = awaiter_of(std::forward<A>(operand));
        at_ = std::addressof(found);
        return *at_;
    }
    std::remove_reference_t<W>& get() noexcept { return *at_; }

private:
    std::remove_reference_t<W>* at_ = nullptr;
};

template <class W>
concept has_await_cancel = requires(W& w) { w.await_cancel(); };

template <class W>
concept cancellable_awaiter = requires(W& w) {
    { w.await_cancel() } noexcept -> std::same_as<bool>;
};

template <class W>
concept has_await_must_resume = requires(W& w) {
    { w.await_must_resume() } noexcept -> std::same_as<bool>;
};

// An rvalue reference may refer into what is gone with the operation.
template <class R>
using foreign_value = std::conditional_t<std::is_lvalue_reference_v<R>, R, std::remove_cvref_t<R>>;

template <class A>
class [[nodiscard]] foreign_operation final : private leaf, private bridge {
    using made = awaiter_result<A>;
    using awaiter_type = std::remove_reference_t<made>;
    using result = decltype(std::declval<awaiter_type&>().await_resume());
    static_assert(!has_await_cancel<awaiter_type> || cancellable_awaiter<awaiter_type>,
                  "coir: await_cancel() of a foreign awaitable is noexcept and returns bool");

public:
    using value_type = foreign_value<result>;
    using error_type = never;

    explicit foreign_operation(A&& operand) : operand_{std::forward<A>(operand)} {}
    foreign_operation(foreign_operation&& other) : operand_{std::move(other.operand_)} {} // before it begins

    status poll(fiber_base& f) {
        if (!is_connected()) {
            return begin(f);
        }
        switch (f.end_wait()) {
        case wake::none: return status::pending;
        case wake::fired: return status::value;
        case wake::cancelled: break;
        }
        return has_result() ? status::value : status::cancelled;
    }

    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return awaiter_.get().await_resume();
    }
    std::exception_ptr defect() const noexcept { return thrown_; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    status begin(fiber_base& f) {
        if (f.cancel_requested()) {
            return status::cancelled;
        }
        try {
            if (awaiter_.make(operand_.get()).await_ready()) {
                return status::value;
            }
            connect(f);
            f.begin_wait(this);
            return suspend() ? status::pending : status::value;
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }

    // The fiber still runs: a resumption from now on only tells it not to park. False: it does
    // not wait.
    bool suspend() {
        using how = decltype(awaiter_.get().await_suspend(handle()));
        if constexpr (std::is_void_v<how>) {
            awaiter_.get().await_suspend(handle());
            return true;
        } else if constexpr (std::convertible_to<how, bool>) {
            return awaiter_.get().await_suspend(handle());
        } else {
            std::coroutine_handle<> const next = awaiter_.get().await_suspend(handle());
            if (next == handle()) {
                return false;
            }
            go_on_with(next);
            return true;
        }
    }

    // What it throws is not ours: the language gives it to whoever resumed us, and that is the
    // run loop.
    static void go_on_with(std::coroutine_handle<> next) noexcept { next.resume(); }

    bool has_result() noexcept {
        if constexpr (has_await_must_resume<awaiter_type>) {
            return was_resumed() && awaiter_.get().await_must_resume();
        } else {
            return was_resumed();
        }
    }

    void cancel(fiber_base& f) noexcept override {
        if constexpr (cancellable_awaiter<awaiter_type>) {
            if (awaiter_.get().await_cancel()) {
                f.wake_cancelled();
                return;
            }
        }
        if (f.claim().meet()) {
            f.wake_cancelled();
        }
    }
    char const* what() const noexcept override { return "foreign awaitable"; }

    foreign_operand<A> operand_;
    foreign_awaiter_slot<made> awaiter_;
    std::exception_ptr thrown_;
};

} // namespace coir::inline v0::detail
