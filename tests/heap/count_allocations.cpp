#include "count_allocations.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

// The names under which the GNU C library offers its own functions to those who replace them.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

constinit std::atomic<long> made{0};
constinit std::atomic<long> freed{0};

void* counted(void* p) {
    made.fetch_add(p != nullptr ? 1 : 0);
    return p;
}

} // namespace

allocations allocations_so_far() { return {made.load(), freed.load()}; }

extern "C" {

void* malloc(std::size_t size) { return counted(__libc_malloc(size)); }
void* calloc(std::size_t n, std::size_t size) { return counted(__libc_calloc(n, size)); }
void* memalign(std::size_t alignment, std::size_t size) { return counted(__libc_memalign(alignment, size)); }
void* aligned_alloc(std::size_t alignment, std::size_t size) { return counted(__libc_memalign(alignment, size)); }

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
    void* const p = counted(__libc_memalign(alignment, size));
    if (p == nullptr) {
        return ENOMEM;
    }
    *out = p;
    return 0;
}

// One more, and one less if there was one before.
void* realloc(void* old, std::size_t size) {
    void* const p = counted(__libc_realloc(old, size));
    freed.fetch_add(old != nullptr && (p != nullptr || size == 0) ? 1 : 0);
    return p;
}

void free(void* p) {
    freed.fetch_add(p != nullptr ? 1 : 0);
    __libc_free(p);
}

} // extern "C"
