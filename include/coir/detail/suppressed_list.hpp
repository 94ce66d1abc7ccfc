// What was thrown while cleaning up after the first cause: one pointer, null in the normal
// case. Copies share the list and part on the first addition, so that copying an outcome
// neither allocates nor throws on its account.
//
//     suppressed_list list;                       // no allocation
//     list.add(std::current_exception());         // allocates
//     suppressed_list copy = list;                // shares
//     copy.add(another);                          // parts: list still has one entry
//     for (auto& thrown : list.view()) report(thrown);
#pragma once

#include <coir/detail/atomic.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <span>
#include <utility>

namespace coir::inline v0::detail {

class suppressed_list {
public:
    suppressed_list() noexcept = default;
    suppressed_list(suppressed_list const& other) noexcept : shared_(other.shared_) {
        // Relaxed: the caller reaches the block through an owner that stays alive meanwhile.
        if (shared_) shared_->owners.fetch_add(1, std::memory_order_relaxed);
    }
    suppressed_list(suppressed_list&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
    suppressed_list& operator=(suppressed_list other) noexcept {
        std::swap(shared_, other.shared_);
        return *this;
    }
    ~suppressed_list() {
        if (shared_) release(shared_);
    }

    /// Appends, unless there are `most` already: a fiber that catches exceptions for ever keeps what
    /// was suppressed beside them. The list is unchanged when it throws std::bad_alloc. Amortised
    /// O(1), O(size) after a copy.
    void add(std::exception_ptr thrown) {
        if (view().size() == most) return;
        if (!shared_ || is_shared() || shared_->size == shared_->capacity) grow();
        shared_->thrown[shared_->size++] = std::move(thrown);
    }

    [[nodiscard]] std::span<std::exception_ptr const> view() const noexcept {
        if (!shared_) return {};
        return {shared_->thrown, shared_->size};
    }

    static constexpr std::size_t most = 64;

private:
    // Not a vector: every unit that includes an outcome would compile one.
    struct block {
        explicit block(std::size_t n) : capacity{n}, thrown{new std::exception_ptr[n]} {}
        block(block const&) = delete;
        block& operator=(block const&) = delete;
        ~block() { delete[] thrown; }

        atomic<std::size_t> owners{1};
        std::size_t size = 0;
        std::size_t const capacity;
        std::exception_ptr* const thrown;
    };

    // Acquire pairs with the release in release(): what other owners read, they have read
    // before this one writes.
    [[nodiscard]] bool is_shared() const noexcept { return shared_->owners.load(std::memory_order_acquire) != 1; }

    // A block of its own, with room for one more.
    COIR_NOINLINE void grow() {
        block* const own = new block{shared_ ? 2 * shared_->size : 1};
        if (shared_) {
            for (std::exception_ptr const& thrown : view())
                own->thrown[own->size++] = thrown;
            release(shared_);
        }
        shared_ = own;
    }

    COIR_NOINLINE static void release(block* left) noexcept {
        // Release publishes this owner's reads, acquire sees those of all before it goes.
        if (left->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete left;
    }

    block* shared_ = nullptr;
};

} // namespace coir::inline v0::detail
