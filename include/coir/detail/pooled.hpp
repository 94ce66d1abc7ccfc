// Objects of the library whose memory comes from the caches of frames.
//
//     class fiber_run : public pooled { ... };     // new fiber_run{...}; any thread may delete it
//
// The caches align as operator new does; what needs more is left to that.
#pragma once

#include <coir/detail/frame_pool.hpp>

#include <cstddef>
#include <new>

namespace coir::inline v0::detail {

struct pooled {
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* p, std::size_t size) noexcept { deallocate_frame(p, size); }

    static void* operator new(std::size_t size, std::align_val_t alignment) { return ::operator new(size, alignment); }
    static void operator delete(void* p, std::align_val_t alignment) noexcept { ::operator delete(p, alignment); }
};

} // namespace coir::inline v0::detail
