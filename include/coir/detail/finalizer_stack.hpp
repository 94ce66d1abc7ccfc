// The finalizers of a scope, last in first out, of any type: they need not be copyable.
#pragma once

#include <coir/detail/finalizer.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/detail/spin_lock.hpp>
#include <coir/task.hpp>

#include <memory>
#include <mutex>

namespace coir::inline v0::detail {

class finalizer_stack {
    struct node {
        node() = default;
        node(node const&) = delete;
        node& operator=(node const&) = delete;
        virtual ~node() = default;
        virtual task<> run() = 0;

        node* next = nullptr;
    };

    template <class F>
    struct holding final : node {
        template <class G>
        explicit holding(G&& g) : f(std::forward<G>(g)) {}
        task<> run() override {
            if constexpr (std::same_as<std::invoke_result_t<F&>, task<>>) {
                return detail::invoke(f);
            } else {
                return await_it(f);
            }
        }
        static task<> await_it(F& f) { static_cast<void>(co_await detail::invoke(f)); }

        F f;
    };

public:
    // One that was taken out, to be run; empty: there was none.
    class taken {
    public:
        explicit taken(node* n) noexcept : node_{n} {}
        explicit operator bool() const noexcept { return node_ != nullptr; }
        task<> operator()() { return node_->run(); }

    private:
        std::unique_ptr<node> node_;
    };

    finalizer_stack() = default;
    finalizer_stack(finalizer_stack const&) = delete;
    finalizer_stack& operator=(finalizer_stack const&) = delete;
    ~finalizer_stack() {
        while (pop()) {
        }
    }

    // Any thread. O(1), an allocation.
    template <class F>
    void push(F&& f) {
        auto made = std::make_unique<holding<stored<F>>>(unwrap(std::forward<F>(f)));
        std::lock_guard guard{lock_};
        made->next = newest_;
        newest_ = made.release();
    }

    taken pop() noexcept {
        std::lock_guard guard{lock_};
        node* const newest = newest_;
        newest_ = newest != nullptr ? newest->next : nullptr;
        return taken{newest};
    }

private:
    spin_lock lock_;
    node* newest_ = nullptr;
};

} // namespace coir::inline v0::detail
