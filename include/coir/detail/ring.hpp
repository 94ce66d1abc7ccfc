// A double-ended queue in one block of memory, which grows without allocating under a lock:
//
//     ring<T> roomier{items.grown()};        // outside: allocates
//     { std::lock_guard guard{lock_};
//       items.move_into(roomier); }          // inside: moves; the old block leaves in `roomier`
//
// Elements are moved while a lock is held, hence moving them must not throw.
#pragma once

#include <coir/detail/std/algorithm.hpp>

#include <bit>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace coir::inline v0::detail {

template <class T>
class ring {
public:
    ring() = default;
    // Room for at least `capacity` elements. Throws std::bad_alloc or std::bad_array_new_length.
    explicit ring(std::size_t capacity)
        : cells_{std::allocator<T>{}.allocate(std::bit_ceil((std::min)(capacity, largest)))},
          capacity_{std::bit_ceil((std::min)(capacity, largest))} {}
    ring(ring&& other) noexcept { swap(other); }
    ring& operator=(ring&& other) noexcept {
        ring moved{std::move(other)};
        swap(moved);
        return *this;
    }
    ~ring() {
        for (std::size_t i = 0; i != size_; ++i) {
            std::destroy_at(&(*this)[i]);
        }
        if (cells_ != nullptr) {
            std::allocator<T>{}.deallocate(cells_, capacity_);
        }
    }

    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    // The next capacity when this one is used up: doubling keeps pushes O(1) amortised.
    std::size_t grown() const noexcept { return (std::max)(capacity_ * 2, std::size_t{8}); }

    T& operator[](std::size_t i) noexcept { return cells_[wrap(head_ + i)]; }
    T const& operator[](std::size_t i) const noexcept { return cells_[wrap(head_ + i)]; }
    T& front() noexcept { return (*this)[0]; }
    T const& front() const noexcept { return (*this)[0]; }

    // There must be room.
    void push_back(T&& value) noexcept {
        std::construct_at(&(*this)[size_], std::move(value));
        ++size_;
    }
    void push_front(T&& value) noexcept {
        std::construct_at(&cells_[wrap(head_ - 1)], std::move(value));
        head_ = wrap(head_ - 1);
        ++size_;
    }

    // There must be an element.
    T pop_front() noexcept {
        T& first = front();
        T out(std::move(first));
        std::destroy_at(&first);
        head_ = wrap(head_ + 1);
        --size_;
        return out;
    }
    T pop_back() noexcept {
        T& last = (*this)[size_ - 1];
        T out(std::move(last));
        std::destroy_at(&last);
        --size_;
        return out;
    }

    // Goes on in the memory of `roomier`, an empty ring, if that is larger.
    void move_into(ring& roomier) noexcept {
        if (roomier.capacity_ <= capacity_) {
            return;
        }
        while (!empty()) {
            roomier.push_back(pop_front());
        }
        swap(roomier);
    }

    void swap(ring& other) noexcept {
        std::swap(cells_, other.cells_);
        std::swap(capacity_, other.capacity_);
        std::swap(head_, other.head_);
        std::swap(size_, other.size_);
    }

private:
    static_assert(std::is_nothrow_move_constructible_v<T>);

    // The largest power of two: more than any allocator gives, so allocating it throws.
    static constexpr std::size_t largest = ~(static_cast<std::size_t>(-1) >> 1);

    std::size_t wrap(std::size_t i) const noexcept { return i & (capacity_ - 1); }

    T* cells_ = nullptr;
    std::size_t capacity_ = 0; // a power of two, or 0
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

// Undoes a move: puts `value` back where it came from.
template <class T>
void put_back(T& place, T&& value) noexcept {
    if constexpr (std::is_nothrow_move_assignable_v<T>) {
        place = std::move(value);
    } else {
        std::destroy_at(&place);
        std::construct_at(&place, std::move(value));
    }
}

} // namespace coir::inline v0::detail
