// Coroutines and events of "another library", which knows nothing of coir: what foreign
// awaitables are tested with.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace another {

/// A lazy coroutine that hands control to and fro by symmetric transfer, as most libraries' do.
template <class T>
class [[nodiscard]] lazy {
public:
    struct promise_type {
        lazy get_return_object() { return lazy{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept {
            struct to_continuation {
                bool await_ready() noexcept { return false; }
                std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
                    return self.promise().continuation;
                }
                void await_resume() noexcept {}
            };
            return to_continuation{};
        }
        void unhandled_exception() { thrown = std::current_exception(); }
        void return_value(T v) { value.emplace(std::move(v)); }

        std::coroutine_handle<> continuation;
        std::optional<T> value;
        std::exception_ptr thrown;
    };

    lazy(lazy&& other) noexcept : coroutine_{std::exchange(other.coroutine_, nullptr)} {}
    lazy& operator=(lazy&&) = delete;
    ~lazy() {
        if (coroutine_) coroutine_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
        coroutine_.promise().continuation = caller;
        return coroutine_;
    }
    T await_resume() {
        if (coroutine_.promise().thrown) std::rethrow_exception(coroutine_.promise().thrown);
        return std::move(*coroutine_.promise().value);
    }

private:
    explicit lazy(std::coroutine_handle<promise_type> c) noexcept : coroutine_{c} {}
    std::coroutine_handle<promise_type> coroutine_;
};

/// Set once, awaited by one. Awaiting it through cancellable() can be given up.
class event {
public:
    class waiting {
    public:
        explicit waiting(event& e) noexcept : event_{&e} {}
        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> h) noexcept {
            void* none = nullptr;
            return event_->state_.compare_exchange_strong(none, h.address());
        }
        void await_resume() const noexcept { ++event_->resumed; }

    protected:
        event* event_;
    };

    class cancellable_waiting : public waiting {
    public:
        using waiting::waiting;
        bool await_cancel() noexcept {
            void* now = this->event_->state_.load();
            return now != this->event_ && this->event_->state_.compare_exchange_strong(now, nullptr);
        }
    };

    waiting operator co_await() noexcept { return waiting{*this}; }
    cancellable_waiting cancellable() noexcept { return cancellable_waiting{*this}; }

    void set() {
        void* const waiter = state_.exchange(this);
        if (waiter != nullptr && waiter != this) {
            for (unsigned i = 0; i < pause; ++i) {
                std::atomic_signal_fence(std::memory_order_seq_cst);
            }
            std::coroutine_handle<>::from_address(waiter).resume();
        }
    }
    bool has_waiter() const noexcept {
        void* const now = state_.load();
        return now != nullptr && now != this;
    }

    std::atomic<int> resumed{0};
    unsigned pause = 0; // turns between taking the waiter and resuming it: then it cannot give up

private:
    std::atomic<void*> state_{nullptr}; // nobody, a handle, or this: set
};

} // namespace another
