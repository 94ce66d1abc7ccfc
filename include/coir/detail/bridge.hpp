// The coroutine handle that a foreign awaitable gets when a fiber awaits it: resuming it wakes
// the fiber on its own scheduler.
//
// It is no coroutine but a frame made by hand, so that it costs no allocation and its memory may
// be gone as soon as the fiber was woken, while resume() is still on its way out. All compilers
// begin a frame with two function pointers, for resume() and destroy(), followed by the promise;
// libstdc++ makes std::noop_coroutine() in the same way.
//
// Resuming it, from any thread:
//
//     the fiber waits, or is about to   it is posted, or goes on by itself
//     it is being cancelled             the second of the two, this and the canceller, posts it
#pragma once

#include <coir/detail/checked.hpp>
#include <coir/detail/fiber_base.hpp>

#include <coroutine>

namespace coir::inline v0::detail {

// For await_suspend templates that look at the promise: there is nothing in it.
struct bridge_promise {
    void* unused = nullptr;
};

struct bridge_frame {
    void (*resume)(bridge_frame&) noexcept;
    void (*destroy)(bridge_frame&) noexcept;
    bridge_promise promise;
};

class bridge : private bridge_frame {
public:
    bridge() noexcept : bridge_frame{&bridge::resumed, &bridge::destroyed, {}} {}
    bridge(bridge const&) = delete;
    bridge& operator=(bridge const&) = delete;

protected:
    ~bridge() = default;

    std::coroutine_handle<bridge_promise> handle() noexcept {
        return std::coroutine_handle<bridge_promise>::from_address(static_cast<bridge_frame*>(this));
    }

    void connect(fiber_base& f) noexcept { fiber_ = &f; }
    bool is_connected() const noexcept { return fiber_ != nullptr; }

    // After a cancelled wait: the foreign side was faster, or had nothing to take back.
    bool was_resumed() const noexcept { return resumed_; }

private:
    // `self` is gone after fire() has won, and after meet().
    static void resumed(bridge_frame& self) noexcept {
        auto& me = static_cast<bridge&>(self);
        COIR_CHECK(me.fiber_ != nullptr, "a foreign awaitable resumed a coroutine that does not wait for it");
        COIR_CHECK(!me.resumed_, "a foreign awaitable resumed a coroutine twice");
        fiber_base& f = *me.fiber_;
        me.resumed_ = true; // the fiber sees it: fire() and meet() release
        if (!f.fire() && f.claim().meet()) {
            f.wake_cancelled();
        }
    }

    static void destroyed(bridge_frame&) noexcept {
        COIR_CHECK(false, "a foreign awaitable destroyed the coroutine that awaits it");
    }

    fiber_base* fiber_ = nullptr;
    bool resumed_ = false;
};

} // namespace coir::inline v0::detail
