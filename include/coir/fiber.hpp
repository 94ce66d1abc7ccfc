// Concurrent work with an owner: a fiber runs a task beside the one that forked it.
//
//     auto page = coir::fork(download, url);       // a plain call; the fiber is my child
//     show_spinner();
//     auto const& text = co_await page;            // joins; a failure of the child is mine too
//
// A child never outlives its parent: when a fiber ends, or when unwinding reaches the frame that
// forked it, its children are interrupted and awaited first.
#pragma once

#include <coir/detail/fiber_join.hpp>
#include <coir/detail/fiber_range.hpp>
#include <coir/detail/fiber_state.hpp>
#include <coir/task.hpp>

#include <string>
#include <string_view>

namespace coir::inline v0 {

// A shared handle to a fiber; copies refer to the same one. It may outlive the scheduler. All
// members may be called from any thread. An empty handle may only be assigned and destroyed.
template <class T = void, class E = never>
class fiber {
public:
    using value_type = T;
    using error_type = E;
    using state = detail::fiber_state<T, E>;

    fiber() = default;
    fiber(fiber const& other) noexcept : state_{other.state_} {
        if (state_ != nullptr) {
            state_->retain();
        }
    }
    fiber(fiber&& other) noexcept : state_{std::exchange(other.state_, nullptr)} {}
    fiber& operator=(fiber other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~fiber() {
        if (state_ != nullptr) {
            state_->release();
        }
    }

    explicit operator bool() const noexcept { return state_ != nullptr; }

    // `co_await f` joins: gives the value as T const&, or ends as the fiber ended. A fiber that
    // was interrupted ends the awaiting task as interrupted, without interrupting its fiber.
    auto coir_operation() const& { return detail::fiber_join<T, E>{*this}; }
    // `co_await std::move(f)` joins and moves the value out, once.
    auto coir_operation() && { return detail::fiber_take<T, E>{std::move(*this)}; }

    // Waits for the end -> outcome<T, E> const&, valid as long as a handle is. Of a temporary handle
    // a copy, where it can be copied.
    auto await() const& { return await_as<outcome<T, E> const&>(false); }
    auto await() && { return await_as<kept_outcome>(false); }
    // Asks the fiber to end, when awaited, and waits until its last finalizer ran -> as await().
    auto interrupt() const& { return await_as<outcome<T, E> const&>(true); }
    auto interrupt() && { return await_as<kept_outcome>(true); }
    // Only asks.
    void request_interrupt() const noexcept { state_->request_interrupt(detail::current_fiber_id()); }

    // The outcome once it is there, else null; valid as long as a handle is.
    outcome<T, E> const* poll() const noexcept {
        state_->observe();
        return state_->cell().poll();
    }

    fiber_id id() const noexcept { return state_->id(); }
    std::string_view name() const noexcept { return state_->name(); }

    // For the library: takes over one reference.
    explicit fiber(state* s) noexcept : state_{s} {}
    state& get_state() const noexcept { return *state_; }

private:
    using kept_outcome =
        std::conditional_t<std::copy_constructible<outcome<T, E>>, outcome<T, E>, outcome<T, E> const&>;

    template <class End>
    auto await_as(bool interrupt) const {
        return detail::fiber_await<T, E, End>{*this, interrupt};
    }

    state* state_ = nullptr;
};

enum class fork_start : unsigned char {
    queued, // behind what is ready
    here,   // inside of fork, up to its first suspension, if the caller runs on the child's scheduler
};

struct fork_options {
    std::string_view name = {}; // copied
    fork_start start = fork_start::queued;
    // A child that is forked where nothing can interrupt the parent cannot be interrupted either,
    // and runs to its end. Otherwise it starts without a mask.
    bool inherit_mask = false;
};

namespace detail {

// The type of handle that forking gives.
template <class Work, class... Args>
struct forked {
    using awaitable = work_awaitable<stored<Work>, stored<Args>...>;
    static_assert(is_task<std::remove_cvref_t<awaitable>>, "coir: this takes a task, or a callable that returns one");
    static_assert(!is_task_lvalue<Work>, "coir: a task is run once, and passed on as an rvalue: std::move(t)");
    using type = fiber<typename awaitable::value_type, typename awaitable::error_type>;
    using run =
        plain_fiber<typename awaitable::value_type, typename awaitable::error_type, stored<Work>, stored<Args>...>;
};

template <class Work, class... Args>
using fiber_for = typename forked<Work, Args...>::type;

// What fork_options ask for. Made before the fiber, as it may throw: a fiber that was made and is
// not started would never be freed.
class fork_setup {
public:
    fork_setup(fork_options const& o, scheduler const& s)
        : name_{o.name.empty() ? nullptr : std::make_unique<std::string>(o.name)} {
        worker const& here = this_worker();
        masked_ = o.inherit_mask && here.fiber != nullptr && here.fiber->is_masked();
        how_ = o.start == fork_start::here && here.current == &s ? fiber_base::start::here : fiber_base::start::queued;
    }

    void start(fiber_base& f, void const* under) noexcept {
        prepare(f);
        f.start_in_nursery(under, how_);
    }

    // The same in two steps, for who puts it into its nursery.
    void prepare(fiber_base& f) noexcept {
        f.set_name(std::move(name_));
        if (masked_) {
            f.mask();
        }
    }
    fiber_base::start how() const noexcept { return how_; }

private:
    std::unique_ptr<std::string> name_;
    bool masked_;
    fiber_base::start how_;
};

// Makes a fiber in `owner` and queues it on `s`.
template <class Work, class... Args>
fiber_for<Work, Args...> queue_fiber(scheduler& s, nursery& owner, void const* under, Work&& work, Args&&... args) {
    using run = typename forked<Work, Args...>::run;
    auto* const state = new run(s, owner, unwrap(std::forward<Work>(work)), unwrap(std::forward<Args>(args))...);
    fiber_for<Work, Args...> handle{state};
    state->start_in_nursery(under);
    return handle;
}

// The same, as the options say.
template <class Work, class... Args>
fiber_for<Work, Args...> start_fiber(scheduler& s, nursery& owner, void const* under, fork_options options, Work&& work,
                                     Args&&... args) {
    using run = typename forked<Work, Args...>::run;
    fork_setup setup{options, s};
    auto* const state = new run(s, owner, unwrap(std::forward<Work>(work)), unwrap(std::forward<Args>(args))...);
    fiber_for<Work, Args...> handle{state};
    setup.start(*state, under);
    return handle;
}

inline fiber_base& current_fiber() {
    fiber_base* const f = this_worker().fiber;
    if (f == nullptr) {
        throw not_in_a_fiber{};
    }
    return *f;
}

// The frame of `parent` under which it forks a child now. Null in a callable that is no coroutine,
// or in a destructor after the last frame: then the child belongs to the fiber as a whole.
inline frame* forking_frame(fiber_base& parent) noexcept {
    frame* const here = parent.top();
    if (here != nullptr) {
        here->forked = true;
    }
    return here;
}

} // namespace detail

// Starts `work` - a task, or a callable and its arguments, which are kept as long as it runs -
// as a child of the current fiber, queued behind what is ready unless the options say otherwise.
// Its failure goes to whoever awaits the handle. Throws not_in_a_fiber outside a fiber. O(1), two
// cached allocations.
template <class Work, class... Args>
auto fork(fork_options options, Work&& work, Args&&... args) {
    detail::fiber_base& parent = detail::current_fiber();
    return detail::start_fiber(parent.where(), parent.children(), detail::forking_frame(parent), options,
                               std::forward<Work>(work), std::forward<Args>(args)...);
}

template <class Work, class... Args>
    requires(!std::same_as<std::remove_cvref_t<Work>, fork_options>)
auto fork(Work&& work, Args&&... args) {
    detail::fiber_base& parent = detail::current_fiber();
    return detail::queue_fiber(parent.where(), parent.children(), detail::forking_frame(parent),
                               std::forward<Work>(work), std::forward<Args>(args)...);
}

// A fiber without a parent: it lives until it ends or its scheduler shuts down.
template <class Work, class... Args>
auto fork_daemon(fork_options options, Work&& work, Args&&... args) {
    scheduler& s = detail::current_fiber().where();
    return detail::start_fiber(s, s.fibers(), nullptr, options, std::forward<Work>(work), std::forward<Args>(args)...);
}

template <class Work, class... Args>
    requires(!std::same_as<std::remove_cvref_t<Work>, fork_options>)
auto fork_daemon(Work&& work, Args&&... args) {
    return coir::fork_daemon(fork_options{}, std::forward<Work>(work), std::forward<Args>(args)...);
}

// Waits until all have ended, however. The outcomes are at the handles: poll().
template <detail::fiber_range R>
COIR_TASK_WRAPPER task<> await_all(R&& fibers) {
    COIR_CHECK_VALUE(R);
    return detail::end_all(detail::handles(detail::unwrap(fibers)), false);
}

// Asks all to end, when awaited, and then waits until their last finalizers ran: fibers that wait
// for each other do not hold each other up.
template <detail::fiber_range R>
COIR_TASK_WRAPPER task<> interrupt_all(R&& fibers) {
    COIR_CHECK_VALUE(R);
    return detail::end_all(detail::handles(detail::unwrap(fibers)), true);
}

// The values in order, copied; ends as the first in order that did not succeed.
template <detail::fiber_range R>
auto join_all(R&& fibers) {
    COIR_CHECK_VALUE(R);
    return detail::join_each(detail::handles(detail::unwrap(fibers)));
}

// About the fiber that calls, from plain code; outside a fiber: no id, no name, not asked.
namespace this_fiber {

inline fiber_id id() noexcept { return detail::current_fiber_id(); }

inline std::string_view name() noexcept {
    detail::fiber_base* const f = detail::this_worker().fiber;
    return f != nullptr ? f->name() : std::string_view{};
}

inline bool interrupt_requested() noexcept {
    detail::fiber_base* const f = detail::this_worker().fiber;
    return f != nullptr && f->interrupt_requested();
}

} // namespace this_fiber

// True in destructors that run because a failure or an interruption unwinds the frame;
// std::uncaught_exceptions() is 0 then.
inline bool is_unwinding() noexcept { return detail::this_worker().unwinding != 0; }

} // namespace coir::inline v0
