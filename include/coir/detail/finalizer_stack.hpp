// The finalizers of a scope, last in first out, of any type: they need not be copyable. One with
// a member is_needless() goes, some time after it says so: a scope may live as long as its program.
#pragma once

#include <coir/detail/finalizer.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/detail/spin_lock.hpp>
#include <coir/detail/std/algorithm.hpp>
#include <coir/task.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

namespace coir::inline v0::detail {

class finalizer_stack {
    struct node {
        node() = default;
        node(node const&) = delete;
        node& operator=(node const&) = delete;
        virtual ~node() = default;
        virtual task<> run() = 0;
        virtual bool is_needless() const noexcept { return false; }

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
        bool is_needless() const noexcept override {
            if constexpr (requires(F const& finalizer) { finalizer.is_needless(); }) {
                return f.is_needless();
            } else {
                return false;
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
    ~finalizer_stack() { destroy(newest_); }

    // Any thread. O(1) amortised, an allocation.
    template <class F>
    void push(F&& f) {
        auto made = std::make_unique<holding<stored<F>>>(unwrap(std::forward<F>(f)));
        node* needless = nullptr;
        {
            std::lock_guard guard{lock_};
            if (size_ == swept_at_) {
                needless = sweep();
            }
            made->next = newest_;
            newest_ = made.release();
            ++size_;
        }
        destroy(needless);
    }

    taken pop() noexcept {
        std::lock_guard guard{lock_};
        node* const newest = newest_;
        if (newest != nullptr) {
            newest_ = newest->next;
            --size_;
        }
        return taken{newest};
    }

private:
    // Takes out what is needless. The next time when there are twice as many as stayed.
    node* sweep() noexcept {
        node* needless = nullptr;
        for (node** at = &newest_; *at != nullptr;) {
            node& n = **at;
            if (n.is_needless()) {
                *at = n.next;
                n.next = needless;
                needless = &n;
                --size_;
            } else {
                at = &n.next;
            }
        }
        swept_at_ = (std::max)(2 * size_, fewest);
        return needless;
    }
    static void destroy(node* list) noexcept {
        while (list != nullptr) {
            delete std::exchange(list, list->next);
        }
    }

    static constexpr std::size_t fewest = 16;

    spin_lock lock_;
    node* newest_ = nullptr;
    std::size_t size_ = 0;
    std::size_t swept_at_ = fewest;
};

} // namespace coir::inline v0::detail
