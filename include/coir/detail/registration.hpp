// A callback that waits at a list, and the object that holds it.
#pragma once

#include <coir/detail/callback_round.hpp>
#include <coir/detail/waiter_list.hpp>

#include <utility>

namespace coir::inline v0::detail {

// The part of a registration that does not know the callback.
class callback_waiter : private waiter, protected callback_entry {
protected:
    ~callback_waiter() = default;

    // By the most derived constructor, as its last step: the callback may run before it returns.
    void enter(waiter_list& list) noexcept {
        list_ = &list;
        if (!list.push(*this)) {
            state_.store(state::finished, std::memory_order_relaxed);
            call(false);
        }
    }

    // By the most derived destructor, as its first step. Afterwards nobody looks at this.
    void leave() noexcept {
        state seen = state::armed;
        if (!change(seen, state::leaving)) {
            withdraw(seen);
            return;
        }
        list_->remove(*this);
        state_.store(state::left, std::memory_order_release); // pairs with the wait in fired()
        parker_.park(); // until removed() or fired(), which may be on another thread
    }

private:
    void fired(firing how) noexcept final {
        if (how.add(*this)) {
            return;
        }
        // A list that is being destroyed lets who is inside remove() come out first.
        for (unsigned attempt = 0; how.is_abandoned() && state_.load(std::memory_order_acquire) != state::left;
             ++attempt) {
            relax(attempt);
        }
        parker_.unpark();
    }
    void removed() noexcept final { parker_.unpark(); }

    waiter_list* list_ = nullptr;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// Holds a callback that runs once, when something is done; made by deferred::on_done and its
// like. Its destructor takes the callback back: it waits while the callback runs on another
// thread, and returns at once from inside it (as std::stop_callback does). So after it, the
// callback is not running and will not run. Neither copied nor moved; nothing is allocated.
//
// F: `void f(bool abandoned) noexcept`.
template <class F>
class [[nodiscard("coir: the callback is taken back when the registration is destroyed")]] registration final
    : private detail::callback_waiter {
public:
    // For the library.
    registration(detail::waiter_list& list, F f) : f_(std::move(f)) { enter(list); }
    ~registration() { leave(); }

private:
    void call(bool abandoned) noexcept override { f_(abandoned); }

    F f_;
};

} // namespace coir::inline v0
