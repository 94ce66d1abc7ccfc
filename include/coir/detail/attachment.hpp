// Callbacks that belong to something that is closed, as a scope is: called when it closes, unless
// their owners are gone before.
//
// Unlike a deferred, what is closed may die as soon as that is over, while owners go on; so the
// one who closes waits for those who are just leaving.
#pragma once

#include <coir/detail/callback_round.hpp>

#include <mutex>
#include <utility>

namespace coir::inline v0::detail {

// Where they wait. Its closing thread calls them; nobody is in here when close() returns to it.
class callback_list : private callback_round {
public:
    // False: closed already, `e` does not wait.
    [[nodiscard]] bool add(callback_entry& e) noexcept {
        e.round_ = this;
        // relaxed: others come by the entry under the lock.
        e.state_.store(callback_entry::state::queued, std::memory_order_relaxed);
        std::lock_guard guard{lock_};
        if (!closed_) {
            append(e);
        }
        return !closed_;
    }

    // Once; another caller does not wait for the first.
    void close() noexcept {
        {
            std::lock_guard guard{lock_};
            if (std::exchange(closed_, true)) {
                return;
            }
        }
        run_all();
    }

private:
    bool closed_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// Holds a function that is called once, when something closes; made by scope::attach. Its
// destructor takes it back: it waits while the function runs on another thread, and returns at
// once from inside it. It may outlive what it was attached to. Neither copied nor moved; nothing
// is allocated.
//
// F: `void f() noexcept`.
template <class F>
class [[nodiscard("coir: what is attached is detached when this is destroyed")]] attachment final
    : private detail::callback_entry {
public:
    // For the library.
    attachment(detail::callback_list& list, F f) : f_(std::move(f)) {
        if (!list.add(*this)) {
            state_.store(state::finished, std::memory_order_relaxed);
            f_();
        }
    }
    // acquire: what a call that is over has done is visible.
    ~attachment() { withdraw(state_.load(std::memory_order_acquire)); }

private:
    void call(bool) noexcept override { f_(); }

    F f_;
};

} // namespace coir::inline v0
