// A deferred whose users need not agree on who is gone last, and its two halves.
//
//     auto const answer = coir::make_deferred<int, http_error>();
//     client.get(url, [to = coir::completer_of(answer)](int n) { to.succeed(n); });
//     co_return co_await coir::view_of(answer);
#pragma once

#include <coir/deferred.hpp>

#include <memory>

namespace coir::inline v0 {

// A deferred with shared ownership: copies are handles to one, and an await holds a reference.
template <class T = void, class E = never>
class shared_deferred {
public:
    using value_type = T;
    using error_type = E;

    shared_deferred() : state_{std::make_shared<deferred<T, E>>()} {}
    // Takes part in the ownership of whatever holds the deferred.
    explicit shared_deferred(std::shared_ptr<deferred<T, E>> state) noexcept : state_{std::move(state)} {}

    deferred<T, E>& operator*() const noexcept { return *state_; }
    deferred<T, E>* operator->() const noexcept { return state_.get(); }

    friend bool operator==(shared_deferred const&, shared_deferred const&) = default;

    // `co_await d` -> T const&, valid as long as a handle is. Of a temporary handle a copy, where T
    // can be copied.
    detail::shared_deferred_wait<T, E> coir_operation() const& { return detail::shared_deferred_wait<T, E>{state_}; }
    auto coir_operation() && { return detail::wait_by_temporary<T, E>(state_); }

    std::shared_ptr<deferred<T, E>> const& get_state() const noexcept { return state_; }

private:
    std::shared_ptr<deferred<T, E>> state_;
};

// One allocation.
template <class T = void, class E = never>
shared_deferred<T, E> make_deferred() {
    return {};
}

// The writing half of a deferred: completes it, and cannot read it. Copies write to the same one.
// All functions mean what they mean in deferred; any thread.
template <class T = void, class E = never>
class deferred_completer {
public:
    using value_type = T;
    using error_type = E;

    explicit deferred_completer(std::shared_ptr<deferred<T, E>> to) noexcept : to_{std::move(to)} {}

    template <class... Args>
    bool succeed(Args&&... args) const {
        static_assert(detail::storable<T, Args...>, "coir: the T of this deferred is not made from these arguments");
        return to_->succeed(std::forward<Args>(args)...);
    }
    template <class... Args>
    bool fail(Args&&... args) const {
        static_assert(std::constructible_from<E, Args...>,
                      "coir: the E of this deferred is not made from these arguments; with never it cannot fail");
        return to_->fail(std::forward<Args>(args)...);
    }
    bool die(std::exception_ptr defect) const noexcept { return to_->die(std::move(defect)); }
    bool interrupt() const noexcept { return to_->interrupt(); }
    bool done(outcome<T, E>&& end) const { return to_->done(std::move(end)); }
    bool done(outcome<T, E> const& end) const { return to_->done(end); }

    // `co_await c.complete(work)`; holds the deferred meanwhile.
    template <class Work>
    auto complete(Work&& work) const {
        COIR_CHECK_CLOSURE(Work);
        return detail::shared_complete_operation<T, E, detail::stored<Work>>{to_,
                                                                             detail::unwrap(std::forward<Work>(work))};
    }

    bool is_done() const noexcept { return to_->is_done(); }

private:
    std::shared_ptr<deferred<T, E>> to_;
};

// The reading half: waits for a deferred and looks at it, and can neither complete it nor move
// the value out. Copies read the same one. Any thread.
template <class T = void, class E = never>
class deferred_view {
public:
    using value_type = T;
    using error_type = E;

    explicit deferred_view(std::shared_ptr<deferred<T, E> const> of) noexcept : of_{std::move(of)} {}

    bool is_done() const noexcept { return of_->is_done(); }
    outcome<T, E> const* poll() const noexcept { return of_->poll(); }

    void wait() const { of_->wait(); }
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> d) const {
        return of_->wait_for(d);
    }
    bool wait_until(std::chrono::steady_clock::time_point t) const { return of_->wait_until(t); }

    // The registration holds the deferred.
    template <class F>
    auto on_done(F&& f) const {
        return detail::call_on_done<T, E>(of_->get_cell(), std::forward<F>(f), of_);
    }
    std::size_t waiter_count() const noexcept { return of_->waiter_count(); }

    // As of a shared_deferred.
    detail::shared_deferred_wait<T, E> coir_operation() const& { return detail::shared_deferred_wait<T, E>{of_}; }
    auto coir_operation() && { return detail::wait_by_temporary<T, E>(of_); }

private:
    std::shared_ptr<deferred<T, E> const> of_;
};

template <class T, class E>
deferred_completer<T, E> completer_of(shared_deferred<T, E> const& d) noexcept {
    return deferred_completer<T, E>{d.get_state()};
}
template <class T, class E>
deferred_view<T, E> view_of(shared_deferred<T, E> const& d) noexcept {
    return deferred_view<T, E>{d.get_state()};
}

// The halves of a deferred that outlives them: they refer to it, and count nothing.
template <class T, class E>
deferred_completer<T, E> completer_of(deferred<T, E>& d) noexcept {
    return deferred_completer<T, E>{std::shared_ptr<deferred<T, E>>{std::shared_ptr<void>{}, &d}};
}
template <class T, class E>
deferred_view<T, E> view_of(deferred<T, E> const& d) noexcept {
    return deferred_view<T, E>{std::shared_ptr<deferred<T, E> const>{std::shared_ptr<void>{}, &d}};
}

} // namespace coir::inline v0
