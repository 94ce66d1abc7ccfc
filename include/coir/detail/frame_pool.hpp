// Where coroutine frames and control blocks come from: free lists of the current thread.
//
//     void* frame = allocate_frame(size);
//     deallocate_frame(frame, size);      // any thread, which keeps it for its own next frame
//
// Sizes are rounded up to 64 bytes; up to 2 KiB they are kept, about a megabyte a thread at
// most, and everything else goes to operator new and delete. A thread that ends gives its
// frames back, and what it frees after that (in later destructors of thread-locals, or of
// statics) is not kept. With COIR_NO_FRAME_CACHE nothing is: a free list hides use-after-free
// from AddressSanitizer and valgrind. Where the cache is forced on under AddressSanitizer, its
// frames are poisoned by hand.
#pragma once

#include <coir/detail/config.hpp>
#include <coir/detail/live_count.hpp>

#include <cstddef>
#include <new>

namespace coir::inline v0::detail {

#if COIR_NO_FRAME_CACHE

inline void* allocate_frame(std::size_t size) {
    void* const frame = ::operator new(size);
    count_made(live::frames);
    return frame;
}

inline void deallocate_frame(void* frame, std::size_t) noexcept {
    count_gone(live::frames);
    ::operator delete(frame);
}

#else

// The free lists of one thread. Trivially destructible, so that it can be used at any time in
// the life of the thread; a cache without room, as it is before it is opened and after it is
// closed, keeps nothing. So the fast paths look at the room and the list, at no other state.
struct frame_cache {
    static constexpr std::size_t step = 64;
    static constexpr std::size_t largest = 2048;
    static constexpr std::size_t capacity = std::size_t{1} << 20U;

    struct node {
        node* next;
    };

    node* lists[largest / step];
    std::size_t room;
    bool opened; // once, and never again after it was closed

    static constexpr std::size_t rounded(std::size_t size) noexcept { return (size + step - 1) & ~(step - 1); }

    node*& list_for(std::size_t rounded_size) noexcept { return lists[rounded_size / step - 1]; }

    // Nothing if there is none of this size.
    void* take(std::size_t size) noexcept {
        node*& list = list_for(size);
        node* const frame = list;
        if (frame != nullptr) [[likely]] {
            COIR_UNPOISON(frame, size);
            list = frame->next;
            room += size;
        }
        return frame;
    }

    // False: there is no room.
    bool keep(void* frame, std::size_t size) noexcept {
        if (room < size) [[unlikely]] {
            return false;
        }
        node*& list = list_for(size);
        list = ::new (frame) node{list};
        room -= size;
        COIR_POISON(frame, size);
        return true;
    }

    void open() noexcept {
        opened = true;
        room = capacity;
    }

    void close() noexcept {
        for (std::size_t size = step; size <= largest; size += step) {
            while (void* const frame = take(size)) {
                ::operator delete(frame);
            }
        }
        room = 0;
    }
};

// Not inlined: see this_worker().
COIR_NOINLINE COIR_SHARED inline frame_cache& this_frame_cache() noexcept {
    static constinit thread_local frame_cache cache{};
    return cache;
}

// Empties the cache when the thread ends.
struct frame_cache_guard {
    ~frame_cache_guard() { this_frame_cache().close(); }
};

// The first frame this thread frees opens its cache; those that find it full are not kept.
COIR_NOINLINE inline void deallocate_frame_slow(void* frame, std::size_t size) noexcept {
    frame_cache& cache = this_frame_cache();
    if (!cache.opened) {
        static thread_local frame_cache_guard guard;
        static_cast<void>(guard);
        cache.open();
        if (cache.keep(frame, size)) {
            return;
        }
    }
    ::operator delete(frame);
}

// Memory for a frame of `size` bytes, more than none, aligned as operator new aligns.
// Throws std::bad_alloc.
inline void* allocate_frame(std::size_t size) {
    auto const rounded = frame_cache::rounded(size);
    if (rounded <= frame_cache::largest) [[likely]] {
        if (void* const frame = this_frame_cache().take(rounded)) [[likely]] {
            count_made(live::frames);
            return frame;
        }
    }
    void* const frame = ::operator new(rounded);
    count_made(live::frames);
    return frame;
}

// `size` as it was allocated with. Any thread.
inline void deallocate_frame(void* frame, std::size_t size) noexcept {
    count_gone(live::frames);
    auto const rounded = frame_cache::rounded(size);
    if (rounded > frame_cache::largest) [[unlikely]] {
        ::operator delete(frame);
    } else if (!this_frame_cache().keep(frame, rounded)) [[unlikely]] {
        deallocate_frame_slow(frame, rounded);
    }
}

#endif

} // namespace coir::inline v0::detail
