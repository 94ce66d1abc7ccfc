// Finalizers for one kind of end, and resources: on_interrupt, acquire_use_release.
#pragma once

#include <coir/detail/finalizer.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/detail/slot.hpp>

namespace coir::inline v0::detail {

// Runs a finalizer, which is told who asked, if the operation ends interrupted: either because
// what it awaited was, or because a region of this fiber is being left.
template <class Inner, class F>
class [[nodiscard]] on_interrupt_operation : public adaptor<Inner> {
public:
    template <class G>
    on_interrupt_operation(Inner&& inner, G&& f) : adaptor<Inner>{std::move(inner)}, finalizer_{std::forward<G>(f)} {}

    status poll(fiber_base& f) {
        if (!has_ended(ended_)) {
            ended_ = this->inner_.poll(f);
            if (ended_ != status::interrupted && ended_ != status::cancelled) {
                return ended_;
            }
            by_ = ended_ == status::cancelled ? f.interrupted_by() : this->inner_.interrupted_by();
        }
        status const s = finalizer_.poll(f, by_);
        if (!has_ended(s)) {
            return s;
        }
        if (s == status::defect) {
            ended_ = finalizer_.settle(f, ended_);
        }
        return ended_;
    }

private:
    finalizing<F, fiber_id> finalizer_;
    fiber_id by_;
    status ended_ = status::pending;
};

// A callable and the resource it is called with.
template <class F, class R>
class with_resource {
public:
    with_resource(F& f, slot<R>& resource) noexcept : f_{&f}, resource_{&resource} {}

    template <class... Args>
        requires std::invocable<F&, R&, Args...> || std::invocable<F&, R&>
    decltype(auto) operator()(Args&&... args) const {
        if constexpr (std::invocable<F&, R&, Args...>) {
            return detail::invoke(*f_, resource_->get(), std::forward<Args>(args)...);
        } else {
            return detail::invoke(*f_, resource_->get()); // it does not ask how the use ended
        }
    }

private:
    F* f_;
    slot<R>* resource_;
};

// Begins unless a request is pending, of which it is the first to hear after a mask.
template <class Inner>
class [[nodiscard]] checked_operation : public adaptor<Inner> {
public:
    using adaptor<Inner>::adaptor;

    status poll(fiber_base& f) {
        if (!std::exchange(begun_, true) && f.cancel_requested()) {
            return status::cancelled;
        }
        return this->inner_.poll(f);
    }

private:
    bool begun_ = false;
};

template <class Release, class R, class Used>
concept release_of = finalizer<Release, R&, outcome<typename Used::value_type, typename Used::error_type> const&> ||
                     finalizer<Release, R&>;

template <class Use, class Release, class R>
concept releases = release_of<Release, R, operation_of<std::invoke_result_t<Use&, R&>>>;

// Acquires behind a mask, uses as interruptibly as the code around, and releases once.
template <class Acquire, class Use, class Release>
class [[nodiscard]] bracket_operation {
    using acquiring = invocation<Acquire>;
    using resource = typename acquiring::value_type;
    static_assert(!std::is_void_v<resource>, "coir: acquire_use_release acquires a value");
    static_assert(work<Use, resource&>, "coir: the use of acquire_use_release takes the resource and returns a task");
    static_assert(releases<Use, Release, resource>,
                  "coir: the release of acquire_use_release takes the resource, and the "
                  "outcome if it likes, and returns task<void, never>");
    using use = with_resource<Use, resource>;
    using release = with_resource<Release, resource>;
    using used = on_exit_operation<checked_operation<invocation<use>>, release>;

public:
    using value_type = typename used::value_type;
    using error_type = errors<typename acquiring::error_type, typename used::error_type>;

    template <class A, class U, class R>
    bracket_operation(A&& to_acquire, U&& to_use, R&& to_release)
        : acquire_{std::forward<A>(to_acquire)}, use_(std::forward<U>(to_use)), release_(std::forward<R>(to_release)) {}

    status poll(fiber_base& f) { return used_ ? used_->poll(f) : poll_acquire(f); }
    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        if (!used_) {
            std::rethrow_exception(acquire_.defect());
        }
        return used_->get();
    }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return used_ ? error_as<error_type>(*used_) : error_as<error_type>(acquire_);
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : used_ ? used_->defect() : acquire_.defect(); }
    fiber_id interrupted_by() { return used_ ? used_->interrupted_by() : acquire_.interrupted_by(); }

private:
    // The mask ends here, not as an interruption point: what was acquired is used or released.
    status poll_acquire(fiber_base& f) {
        if (!std::exchange(masked_, true)) {
            shield_before_ = f.mask();
        }
        status const s = acquire_.poll(f);
        if (has_ended(s)) {
            f.set_shield(shield_before_);
        }
        if (s != status::value) {
            return s;
        }
        try {
            resource_.emplace(std::in_place, acquire_.get());
            used_.emplace(checked_operation<invocation<use>>{invocation<use>{use{use_, *resource_}}},
                          release{release_, *resource_});
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
        return used_->poll(f);
    }

    acquiring acquire_;
    Use use_;
    Release release_;
    std::optional<slot<resource>> resource_;
    std::optional<used> used_;
    std::exception_ptr thrown_; // by moving the resource
    std::uint32_t shield_before_ = 0;
    bool masked_ = false;
};

} // namespace coir::inline v0::detail
