// How the explorer sees what is not an atomic: scenarios are compiled with -fsanitize=thread,
// which calls a function before every access to plain memory. They are linked without that
// runtime, and these are the functions. Allocation comes here by replacing operator new.
#include "engine.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

using model::detail::engine;
using model::detail::use;

namespace {

void plain(const void* at, std::size_t size, use how) {
    if (!engine::inside()) return;
    const engine::guard own;
    engine::instance().plain(at, size, how);
}

void* allocate(std::size_t size, std::size_t alignment) {
    if (engine::inside()) {
        const engine::guard own;
        return engine::instance().allocate(size, alignment);
    }
    const auto rounded = (size + alignment) / alignment * alignment; // never zero, as new demands
    if (void* p = std::aligned_alloc(alignment, rounded)) return p;
    throw std::bad_alloc();
}

// What was allocated in a schedule may be freed outside of one only when it is given up.
void release(void* p) noexcept {
    if (p == nullptr) return;
    if (engine::inside() && engine::instance().owns(p)) {
        const engine::guard own;
        engine::instance().release(p);
    } else if (!engine::instance().owns(p)) {
        std::free(p);
    }
}

} // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, (std::max)(static_cast<std::size_t>(alignment), alignof(std::max_align_t)));
}
void operator delete(void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }

#define MODEL_PLAIN_ACCESS(size)                                                                                       \
    void __tsan_read##size(void* at) { plain(at, size, use::read); }                                                   \
    void __tsan_write##size(void* at) { plain(at, size, use::write); }                                                 \
    void __tsan_unaligned_read##size(void* at) { plain(at, size, use::read); }                                         \
    void __tsan_unaligned_write##size(void* at) { plain(at, size, use::write); }

// Atomics that are not the library's: counters inside the standard library, used by one thread.
#define MODEL_FOREIGN_ATOMIC(width, type)                                                                              \
    type __tsan_atomic##width##_load(const volatile type* a, int) { return __atomic_load_n(a, __ATOMIC_SEQ_CST); }      \
    void __tsan_atomic##width##_store(volatile type* a, type v, int) { __atomic_store_n(a, v, __ATOMIC_SEQ_CST); }      \
    type __tsan_atomic##width##_exchange(volatile type* a, type v, int) {                                              \
        return __atomic_exchange_n(a, v, __ATOMIC_SEQ_CST);                                                            \
    }                                                                                                                  \
    type __tsan_atomic##width##_fetch_add(volatile type* a, type v, int) {                                             \
        return __atomic_fetch_add(a, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    type __tsan_atomic##width##_fetch_sub(volatile type* a, type v, int) {                                             \
        return __atomic_fetch_sub(a, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    bool __tsan_atomic##width##_compare_exchange_strong(volatile type* a, type* c, type v, int, int) {                 \
        return __atomic_compare_exchange_n(a, c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                        \
    }

// The compiler declares some of these functions itself, with types that differ between compilers.
extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
MODEL_PLAIN_ACCESS(1)
MODEL_PLAIN_ACCESS(2)
MODEL_PLAIN_ACCESS(4)
MODEL_PLAIN_ACCESS(8)
MODEL_PLAIN_ACCESS(16)
void __tsan_read_range(void* at, std::size_t size) { plain(at, size, use::read); }
void __tsan_write_range(void* at, std::size_t size) { plain(at, size, use::write); }
void __tsan_vptr_read(void** at) { plain(at, sizeof(void*), use::read); }
void __tsan_vptr_update(void** at, void* value) {
    // Constructors of a hierarchy write the same vptr again and again: only a change is a write.
    plain(at, sizeof(void*), *at == value ? use::read : use::write);
}
void* __tsan_memcpy(void* to, const void* from, std::size_t size) {
    plain(from, size, use::read);
    plain(to, size, use::write);
    return std::memcpy(to, from, size);
}
void* __tsan_memmove(void* to, const void* from, std::size_t size) {
    plain(from, size, use::read);
    plain(to, size, use::write);
    return std::memmove(to, from, size);
}
void* __tsan_memset(void* to, int value, std::size_t size) {
    plain(to, size, use::write);
    return std::memset(to, value, size);
}
MODEL_FOREIGN_ATOMIC(8, std::uint8_t)
MODEL_FOREIGN_ATOMIC(32, std::uint32_t)
MODEL_FOREIGN_ATOMIC(64, std::uint64_t)
}
