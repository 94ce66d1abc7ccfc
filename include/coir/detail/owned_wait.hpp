// The operations of waiting for owned fibers: await_empty, clear, close and join.
#pragma once

#include <coir/detail/owned_fiber.hpp>
#include <coir/detail/single_wait.hpp>
#include <coir/detail/wait_leaf.hpp>

#include <memory>

namespace coir::inline v0::detail {

enum class owned_until { empty, cleared, closed, failed };

// Until none runs, or (cleared, closed) none of those that ran when it began, which it ends.
class [[nodiscard("coir: it does nothing until it is awaited")]] owned_wait final : public single_wait,
                                                                                    private owned_waiter {
public:
    using value_type = void;
    using error_type = never;

    owned_wait(std::shared_ptr<owned_fibers> of, owned_until what) noexcept : of_{std::move(of)}, until_{what} {}
    owned_wait(owned_wait&& other) noexcept
        : single_wait(), owned_waiter(), of_{std::move(other.of_)}, until_{other.until_} {}

    status poll(fiber_base& f) noexcept {
        return poll_wait(f, [&] { return begin(f) ? status::value : status::pending; }, [] { return status::value; });
    }

    void get() const noexcept {}
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    bool begin(fiber_base& f) noexcept {
        switch (until_) {
        case owned_until::empty: return of_->empty_or_wait(*this, f, *this);
        case owned_until::failed: return of_->failed_or_wait(*this, f, *this);
        case owned_until::cleared: break;
        case owned_until::closed: break;
        }
        return of_->clear_or_wait(*this, f, *this, until_ == owned_until::closed);
    }
    void cancel(fiber_base& f) noexcept final {
        of_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept final { return "the fibers of a group"; }

    std::shared_ptr<owned_fibers> of_;
    owned_until until_;
};

// Until none runs, or the first has failed or died: then it ends so too.
template <class T, class E>
class [[nodiscard("coir: it does nothing until it is awaited")]] owned_join {
public:
    static constexpr bool is_leaf = true;
    using value_type = void;
    using error_type = E;

    explicit owned_join(std::shared_ptr<owned_fibers> of) noexcept
        : of_{of}, wait_{std::move(of), owned_until::failed} {}

    status poll(fiber_base& f) noexcept {
        status const s = wait_.poll(f);
        if (s != status::value) {
            return s;
        }
        failed_ = handle_of<T, E>(of_->first_failed());
        if (!failed_) {
            return status::value;
        }
        return failed_.poll()->is_failure() ? status::failure : status::defect; // looked at, so it is not unhandled
    }

    void get() const {
        if (failed_) {
            std::rethrow_exception(failed_.poll()->defect());
        }
    }
    E const& error() const
        requires(!std::same_as<E, never>)
    {
        return failed_.poll()->error();
    }
    std::exception_ptr defect() const { return failed_.poll()->defect(); }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    std::shared_ptr<owned_fibers> of_;
    owned_wait wait_;
    fiber<T, E> failed_;
};

// Ends what `remove` takes out of a group, and waits for its end: whether there was something.
template <class T, class E, class Remove>
class [[nodiscard("coir: it does nothing until it is awaited")]] owned_remove {
public:
    using value_type = bool;
    using error_type = never;

    explicit owned_remove(Remove remove) : remove_{std::move(remove)} {}

    status poll(fiber_base& f) noexcept {
        if (!removed_) {
            if (f.cancel_requested()) {
                return status::cancelled;
            }
            if (status const s = begin(f); has_ended(s)) {
                return s;
            }
        }
        switch (end_.poll(f, removed_.get_state().cell().waiters())) {
        case wait_leaf::progress::pending: return status::pending;
        case wait_leaf::progress::cancelled: return status::cancelled;
        case wait_leaf::progress::abandoned: // not while there is a handle
        case wait_leaf::progress::ready: break;
        }
        return status::value;
    }

    bool get() const {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return static_cast<bool>(removed_);
    }
    std::exception_ptr defect() const noexcept { return thrown_; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    status begin(fiber_base& f) noexcept {
        try {
            removed_ = remove_();
        } catch (...) { // comparing keys threw
            thrown_ = std::current_exception();
            return status::defect;
        }
        if (!removed_) {
            return status::value;
        }
        removed_.get_state().request_interrupt(f.id());
        return status::pending;
    }

    Remove remove_;
    fiber<T, E> removed_; // nobody looks at its outcome here
    wait_leaf end_;
    std::exception_ptr thrown_;
};

} // namespace coir::inline v0::detail
