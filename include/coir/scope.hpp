// A nursery of fibers: nothing that is forked in it outlives it.
//
//     auto body = [&](coir::scope<io_error>& s) -> coir::task<void, io_error> {
//         for (auto& url : urls) s.fork(download, url);
//         co_return;
//     };
//     co_await coir::with_scope<io_error>(body);      // all are done here, or the first failure
//
// At the normal end of the body all children are awaited. The first child or body that ends
// with a failure or defect interrupts the rest, and the scope ends with that outcome when all
// have ended. A child that was interrupted counts as ended, not as failed.
#pragma once

#include <coir/detail/attachment.hpp>
#include <coir/detail/finalizer.hpp>
#include <coir/detail/group.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/fiber.hpp>

#include <functional>
#include <mutex>
#include <vector>

namespace coir::inline v0::detail {

template <class T, class E>
struct interrupt_deferred {
    deferred<T, E>* which;
    void operator()() const noexcept { which->interrupt(); }
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

template <class E = never>
class scope {
public:
    scope() = default;
    scope(scope&& other) noexcept : supervises_{other.supervises_} {} // for the library: before it is entered

    // Starts `work` in the scope; a plain call, from any thread. On a closed scope the child
    // ends interrupted without starting.
    template <class Work, class... Args>
    auto fork(Work&& work, Args&&... args) {
        using forked = detail::forked<Work, Args...>;
        using handle = typename forked::type;
        static_assert(error_for<E, typename handle::error_type>,
                      "coir: the scope's error type lacks an error of this child; name it in with_scope<E>");
        auto on_end = [this](auto const& end) noexcept { this->child_ended(end); };
        using run = detail::group_fiber<typename handle::value_type, typename handle::error_type, decltype(on_end),
                                        detail::stored<Work>, detail::stored<Args>...>;
        auto* const state =
            new run(group_.owner().where(), group_.members(), on_end, detail::unwrap(std::forward<Work>(work)),
                    detail::unwrap(std::forward<Args>(args))...);
        if (supervises_) {
            state->observe(); // its failure is the scope's
        }
        handle h{state};
        state->start_in_nursery(nullptr);
        return h;
    }

    // Runs `f` when the scope ends, after its children; last in, first out. From the body or a
    // child, while the scope is open.
    template <class F>
    void add_finalizer(F&& f) {
        static_assert(std::convertible_to<F, std::function<task<void>()>>,
                      "coir: add_finalizer takes a callable that can be copied and returns task<void, never>");
        std::lock_guard guard{lock_};
        finalizers_.emplace_back(std::forward<F>(f));
    }

    // Completes `d` as interrupted when the scope closes, unless it is done by then: at once when
    // the scope fails or is interrupted, else after the last child has ended; on a closed scope
    // right here. What is returned undoes it when it is destroyed, before `d` is. The body, or a
    // child, while the scope is open. O(1), nothing is allocated.
    template <class T, class F>
    auto attach(deferred<T, F>& d) {
        using end = detail::interrupt_deferred<T, F>;
        return attachment<end>{attached_, end{&d}};
    }

    // Asks all children to end. From any thread, while the scope is open.
    void request_interrupt() noexcept { group_.members().interrupt(detail::current_fiber_id()); }

    // How many children have not ended.
    std::size_t size() const noexcept { return const_cast<scope*>(this)->group_.members().size(); }

private:
    template <class, class, bool>
    friend class scope_operation;

    template <class Outcome>
    void child_ended(Outcome const& end) noexcept {
        if (!supervises_ || !(end.is_failure() || end.is_defect())) {
            return;
        }
        std::unique_lock guard{lock_};
        if (cause_) {
            return;
        }
        try {
            if constexpr (!std::same_as<typename Outcome::error_type, never>) {
                if (end.is_failure()) {
                    cause_.emplace(outcome<void, E>::failure(convert_error<E>(end.error())));
                }
            }
            if (!cause_) {
                cause_.emplace(outcome<void, E>::died(end.defect()));
            }
        } catch (...) { // copying the error threw
            cause_.emplace(outcome<void, E>::died(std::current_exception()));
        }
        guard.unlock();
        group_.decide();
        close();
    }

    void close() noexcept { attached_.close(); }

    detail::group group_;
    detail::callback_list attached_;
    detail::spin_lock lock_;
    std::optional<outcome<void, E>> cause_; // of the first child that failed or died
    std::vector<std::function<task<void>()>> finalizers_;
    bool supervises_ = true;
};

// The operation of running a body with its scope.
template <class E, class Body, bool Supervises>
class [[nodiscard]] scope_operation {
    using body = detail::invocation<Body, scope<E>&>;
    static_assert(error_for<E, typename body::error_type>,
                  "coir: the scope's error type lacks an error of its body; name it in with_scope<E>");

public:
    using value_type = typename body::value_type;
    using error_type = E;

    template <class B>
    explicit scope_operation(std::in_place_t, B&& b) : body_(std::forward<B>(b)) {
        scope_.supervises_ = Supervises;
    }

    detail::status poll(detail::fiber_base& f) {
        switch (phase_) {
        case phase::before:
            scope_.group_.enter(f);
            phase_ = phase::running;
            [[fallthrough]];
        case phase::running:
            ended_ = body_.poll(f, scope_);
            if (!detail::has_ended(ended_)) {
                return ended_;
            }
            body_ended();
            phase_ = phase::children;
            [[fallthrough]];
        case phase::children:
            if (scope_.group_.poll_members(f) == detail::status::pending) {
                if (f.cancel_requested()) {
                    scope_.close();
                }
                return detail::status::pending;
            }
            scope_.close();
            leave(f);
            phase_ = phase::finalizers;
            [[fallthrough]];
        case phase::finalizers: return poll_finalizers(f);
        }
        return ended_;
    }

    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return body_.get();
    }
    E error()
        requires(!std::same_as<E, never>)
    {
        if (caused_) {
            return scope_.cause_->error();
        }
        if constexpr (!std::same_as<typename body::error_type, never>) {
            return convert_error<E>(body_.error());
        } else {
            std::terminate(); // only a child can have failed
        }
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : body_.defect(); }
    fiber_id interrupted_by() { return body_.interrupted_by(); }

private:
    enum class phase : unsigned char { before, running, children, finalizers };

    // An end that is not normal decides the scope, unless a child did before.
    void body_ended() noexcept {
        if (ended_ != detail::status::value) {
            body_came_first_ = scope_.group_.decide();
            scope_.close();
        }
    }

    // The first cause is the end of the scope. Without one, who is interrupted while waiting for
    // the children does not pretend that they have finished.
    void leave(detail::fiber_base& f) noexcept {
        scope_.group_.exit(ended_);
        if (scope_.cause_ && !body_came_first_) {
            caused_ = true;
            thrown_ = scope_.cause_->is_defect() ? scope_.cause_->defect() : nullptr;
            ended_ = thrown_ ? detail::status::defect : detail::status::failure;
        } else if (ended_ == detail::status::value && f.cancel_requested()) {
            ended_ = detail::status::cancelled;
        }
    }

    detail::status poll_finalizers(detail::fiber_base& f) {
        for (;;) {
            if (finalizing_) {
                detail::status const s = finalizing_->poll(f);
                if (!detail::has_ended(s)) {
                    return s;
                }
                if (s == detail::status::defect) {
                    thrown_ = ended_ == detail::status::value ? finalizing_->defect() : thrown_;
                    ended_ = finalizing_->settle(f, ended_);
                }
                finalizing_.reset();
            }
            if (scope_.finalizers_.empty()) {
                return ended_;
            }
            finalizing_.emplace(std::move(scope_.finalizers_.back()));
            scope_.finalizers_.pop_back();
        }
    }

    scope<E> scope_;
    body body_;
    std::optional<detail::finalizing<std::function<task<void>()>>> finalizing_;
    std::exception_ptr thrown_;
    phase phase_ = phase::before;
    detail::status ended_ = detail::status::pending;
    bool body_came_first_ = false;
    bool caused_ = false;
};

// Runs `body(scope<E>&)` in a scope of its own.
template <class E = never, class Body>
auto with_scope(Body&& body) {
    COIR_CHECK_CLOSURE(Body);
    static_assert(detail::work<detail::stored<Body>, scope<E>&>,
                  "coir: the body of a scope takes scope<E>& and returns a task");
    return scope_operation<E, detail::stored<Body>, true>{std::in_place, detail::unwrap(std::forward<Body>(body))};
}

// The same, but failures of children stay theirs.
template <class E = never, class Body>
auto with_supervisor(Body&& body) {
    COIR_CHECK_CLOSURE(Body);
    static_assert(detail::work<detail::stored<Body>, scope<E>&>,
                  "coir: the body of a scope takes scope<E>& and returns a task");
    return scope_operation<E, detail::stored<Body>, false>{std::in_place, detail::unwrap(std::forward<Body>(body))};
}

// A shared deferred that is attached to `s`. It may outlive the scope, completed.
template <class T = void, class E = never, class S>
shared_deferred<T, E> make_deferred(scope<S>& s) {
    struct attached {
        explicit attached(scope<S>& to) : link{to.attach(cell)} {}
        deferred<T, E> cell;
        attachment<detail::interrupt_deferred<T, E>> link;
    };
    auto const both = std::make_shared<attached>(s);
    return shared_deferred<T, E>{std::shared_ptr<deferred<T, E>>{both, &both->cell}};
}

} // namespace coir::inline v0
