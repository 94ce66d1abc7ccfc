// What fiber-local values a fiber has: an immutable array of bindings, shared between all fibers
// that have the same ones. Null is none, and costs a fiber that uses none nothing but the pointer.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/frame_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace coir::inline v0::detail {

// A value bound to the fiber_local with the number `key`.
class local_value {
public:
    explicit local_value(std::uint64_t of) noexcept : key{of} {}
    local_value(local_value const&) = delete;
    local_value& operator=(local_value const&) = delete;

    // relaxed: whoever retains has a reference already. acq_rel: the last one to release has
    // seen the end of all use.
    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    std::uint64_t const key;

protected:
    virtual ~local_value() = default;

private:
    atomic<std::uint32_t> references_{1};
};

template <class T>
class local_box final : public local_value {
public:
    template <class... Args>
    explicit local_box(std::uint64_t of, Args&&... args) : local_value{of}, value(T(std::forward<Args>(args)...)) {}

    T const value;
};

class fiber_locals {
public:
    fiber_locals() = default;
    fiber_locals(fiber_locals const& other) noexcept : bound_{other.bound_} {
        if (bound_ != nullptr) [[unlikely]] {
            bound_->references.fetch_add(1, std::memory_order_relaxed);
        }
    }
    fiber_locals(fiber_locals&& other) noexcept : bound_{std::exchange(other.bound_, nullptr)} {}
    fiber_locals& operator=(fiber_locals other) noexcept {
        std::swap(bound_, other.bound_);
        return *this;
    }
    ~fiber_locals() {
        if (bound_ != nullptr) [[unlikely]] {
            release();
        }
    }

    // Null: it is not bound. O(number of bound fiber_locals), which are few.
    local_value const* find(std::uint64_t key) const noexcept {
        for (std::size_t i = 0, n = size(); i < n; ++i) {
            if (bound_->values()[i]->key == key) {
                return bound_->values()[i];
            }
        }
        return nullptr;
    }

    // The same bindings but this one, in place of an older one of its key: however often a key is
    // bound anew, by a fiber and its children's children, there is one of it.
    fiber_locals with(local_value& v) const {
        std::size_t const before = size();
        std::size_t at = 0;
        while (at < before && bound_->values()[at]->key != v.key) {
            ++at;
        }
        fiber_locals made;
        made.bound_ = bindings::make(at < before ? before : before + 1);
        local_value** const values = made.bound_->values();
        for (std::size_t i = 0; i < made.bound_->size; ++i) {
            values[i] = i == at ? &v : bound_->values()[i];
            values[i]->retain();
        }
        return made;
    }

private:
    // Followed by its values.
    struct bindings {
        explicit bindings(std::size_t n) noexcept : size{n} {}

        static std::size_t bytes(std::size_t n) noexcept { return sizeof(bindings) + n * sizeof(local_value*); }
        static bindings* make(std::size_t n) { return ::new (allocate_frame(bytes(n))) bindings{n}; }
        local_value** values() noexcept { return reinterpret_cast<local_value**>(this + 1); }

        atomic<std::size_t> references{1};
        std::size_t const size;
    };
    static_assert(sizeof(bindings) % alignof(local_value*) == 0);

    std::size_t size() const noexcept { return bound_ != nullptr ? bound_->size : 0; }

    // acq_rel: as for a value.
    void release() noexcept {
        if (bound_->references.fetch_sub(1, std::memory_order_acq_rel) != 1) {
            return;
        }
        std::size_t const n = bound_->size;
        for (std::size_t i = 0; i < n; ++i) {
            bound_->values()[i]->release();
        }
        bound_->~bindings();
        deallocate_frame(bound_, bindings::bytes(n));
    }

    bindings* bound_ = nullptr;
};

} // namespace coir::inline v0::detail
