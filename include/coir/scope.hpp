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
#include <coir/detail/children_wait.hpp>
#include <coir/detail/finalizer_stack.hpp>
#include <coir/detail/first_cause.hpp>
#include <coir/detail/group.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/detail/start_operation.hpp>
#include <coir/fiber.hpp>

#include <tuple>

namespace coir::inline v0::detail {

template <class T, class E>
struct interrupt_deferred {
    deferred<T, E>* which;
    void operator()() const noexcept { which->interrupt(); }
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

template <class E, class Body, bool Supervises>
class scope_operation;

template <class E = never>
class scope {
public:
    scope() = default;
    scope(scope&& other) noexcept : supervises_{other.supervises_} {} // for the library: before it is entered

    // Starts `work` in the scope; a plain call, from any thread. On a closed scope the child
    // ends interrupted without starting. O(1), two cached allocations.
    template <class Work, class... Args>
    auto fork(fork_options options, Work&& work, Args&&... args) {
        using forked = detail::forked<Work, Args...>;
        using handle = typename forked::type;
        check_error<typename handle::error_type>();
        auto on_end = on_child_end();
        using run = detail::group_fiber<typename handle::value_type, typename handle::error_type, decltype(on_end),
                                        detail::stored<Work>, detail::stored<Args>...>;
        detail::fork_setup setup{options, where()};
        auto* const state = new run(where(), group_.members(), on_end, detail::unwrap(std::forward<Work>(work)),
                                    detail::unwrap(std::forward<Args>(args))...);
        handle h{state};
        start(setup, *state);
        return h;
    }
    template <class Work, class... Args>
        requires(!std::same_as<std::remove_cvref_t<Work>, fork_options>)
    auto fork(Work&& work, Args&&... args) {
        return fork(fork_options{}, std::forward<Work>(work), std::forward<Args>(args)...);
    }

    // `co_await s.fork_started(work, args...)`: starts `work(ready, args...)`, where `ready` is a
    // started<V>&, waits until it calls `ready(value)`, and gives that value. From then on it is a
    // child like others. One that ends before is an end of this operation and not of the scope:
    // with its failure, its defect, as interrupted, or with the defect not_started if it ended well.
    // Who is interrupted while waiting interrupts the child and waits for its end. V is read from
    // the signature of `work`; where it has none, as with `auto&`, say s.fork_started<V>(work).
    template <class V = detail::not_named, class Work, class... Args>
    auto fork_started(fork_options options, Work&& work, Args&&... args) {
        COIR_CHECK_CLOSURE(Work);
        COIR_CHECK_VALUES(Args);
        using value = detail::handed_back_t<V, detail::stored<Work>>;
        static_assert(!std::same_as<value, detail::not_named>,
                      "coir: fork_started takes a callable whose first argument is a coir::started<V>&; where that is "
                      "auto&, name V: s.fork_started<V>(work)");
        constexpr bool fits = detail::announced<detail::stored<Work>, value, detail::stored<Args>...>;
        static_assert(
            fits || std::same_as<value, detail::not_named>,
            "coir: fork_started calls work(ready, args...), where ready is a coir::started<V>&; it must return a task");
        if constexpr (fits) {
            return make_start<value>(options, std::forward<Work>(work), std::forward<Args>(args)...);
        }
    }
    template <class V = detail::not_named, class Work, class... Args>
        requires(!std::same_as<std::remove_cvref_t<Work>, fork_options>)
    auto fork_started(Work&& work, Args&&... args) {
        return fork_started<V>(fork_options{}, std::forward<Work>(work), std::forward<Args>(args)...);
    }

    // `co_await s.join()` waits until all children have ended, those too that are forked
    // meanwhile, and leaves the scope open. A child that awaits it does not wait for itself, nor
    // for other children that do. A child that fails ends the scope, and with it this wait. An
    // interruption ends the wait and leaves the children alone. From any fiber, while the scope
    // is open; a child of a child waits for its parent, in vain.
    auto join() noexcept { return detail::children_wait{group_.members(), false}; }

    // `co_await s.interrupt()` asks all children to end, those too that are forked meanwhile, and
    // waits as join() does. The scope stays open. A child that awaits it does not ask itself.
    auto interrupt() noexcept { return detail::children_wait{group_.members(), true}; }

    // Runs `f`, a callable that returns task<void, never>, when the scope ends: after its children,
    // last in, first out. From the body or a child. One that is added when finalizers run already
    // is the next. O(1), an allocation.
    template <class F>
    void add_finalizer(F&& f) {
        static_assert(detail::finalizer<detail::stored<F>>,
                      "coir: a finalizer is a callable that returns task<void, never>");
        finalizers_.push(std::forward<F>(f));
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

    // For the library: its members, and who is told when it closes.
    detail::group& get_group() noexcept { return group_; }
    detail::callback_list& get_closed() noexcept { return attached_; }

private:
    template <class, class, bool>
    friend class scope_operation;

    template <class F>
    static constexpr void check_error() {
        static_assert(error_for<E, F>,
                      "coir: the scope's error type lacks an error of this child; name it in with_scope<E>");
    }
    scheduler& where() const noexcept { return group_.owner().where(); }
    auto on_child_end() noexcept {
        return [this](auto const& end) noexcept { this->child_ended(end); };
    }

    template <class State>
    void start(detail::fork_setup& setup, State& child) noexcept {
        if (supervises_) {
            child.observe(); // its failure is the scope's
        }
        setup.start(child, forking_frame());
    }

    // The frame that forks, if the fiber does that runs the body: unwinding it ends the child
    // first. The body's own frame is kept until all children are gone, so it need not.
    void const* forking_frame() const noexcept {
        detail::worker const& here = detail::this_worker();
        if (here.fiber != &group_.owner() || here.callbacks != nullptr) {
            return nullptr;
        }
        detail::frame* const top = here.fiber->top();
        if (top == nullptr || top == body_frame_) {
            return nullptr;
        }
        top->forked = true;
        return top;
    }

    template <class V, class Work, class... Args>
    auto make_start(fork_options options, Work&& work, Args&&... args) {
        using announced = detail::announced_work<detail::stored<Work>, V>;
        using handle = detail::fiber_for<announced, Args...>;
        check_error<typename handle::error_type>();
        using child = detail::starting_fiber<V, typename handle::value_type, typename handle::error_type,
                                             decltype(on_child_end()), detail::stored<Work>, detail::stored<Args>...>;
        auto fork =
            [this, options,
             kept = std::tuple<detail::stored<Work>, detail::stored<Args>...>(
                 detail::unwrap(std::forward<Work>(work)), detail::unwrap(std::forward<Args>(args))...)]() mutable {
                detail::fork_setup setup{options, where()};
                return std::apply(
                    [&](auto&... parts) {
                        auto* const state = new child(where(), group_.members(), on_child_end(), std::move(parts)...);
                        handle h{state};
                        start(setup, *state);
                        return h;
                    },
                    kept);
            };
        return detail::start_operation<V, child, decltype(fork)>{std::move(fork)};
    }

    template <class Outcome>
    void child_ended(Outcome const& end) noexcept {
        if (supervises_ && cause_.add(end)) {
            group_.decide();
            close();
        }
    }

    void close() noexcept { attached_.close(); }

    detail::group group_;
    detail::callback_list attached_;
    detail::first_cause<E> cause_; // among the children
    detail::finalizer_stack finalizers_;
    detail::frame* body_frame_ = nullptr; // for the fiber that runs the body alone
    bool supervises_ = true;
};

} // namespace coir::inline v0

#include <coir/detail/scope_operation.hpp>

namespace coir::inline v0 {

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
