// Every compiler- and platform-specific thing of the library, in one place.
#pragma once

#include <coir/version.hpp>

#include <cstddef>

#if defined(_MSC_VER) && !defined(__clang__)
#define COIR_NOINLINE __declspec(noinline)
#define COIR_ALWAYS_INLINE __forceinline
#define COIR_NO_UNIQUE_ADDRESS [[msvc::no_unique_address]]
#else
#define COIR_NOINLINE __attribute__((noinline))
#define COIR_ALWAYS_INLINE inline __attribute__((always_inline))
#define COIR_NO_UNIQUE_ADDRESS [[no_unique_address]]
#endif

// For functions and lambdas that have to end up in one loop: what they refer to stays in registers
// only then. Not in builds for a debugger.
#if defined(_MSC_VER) && !defined(__clang__)
#define COIR_FUSED __forceinline
#define COIR_FUSED_LAMBDA [[msvc::forceinline]]
#elif defined(__OPTIMIZE__)
#define COIR_FUSED inline __attribute__((always_inline))
#define COIR_FUSED_LAMBDA __attribute__((always_inline))
#else
#define COIR_FUSED inline
#define COIR_FUSED_LAMBDA
#endif

// Where GCC has inlined all, it guesses that an optional or a string which was moved "may be used
// uninitialized", wrongly. It asks the pragmas of every function it has inlined, so these stand
// around what it inlines the rest into.
#if defined(__GNUC__) && !defined(__clang__)
#define COIR_UNINITIALIZED_GUESSES_OFF                                                                                 \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
#define COIR_UNINITIALIZED_GUESSES_ON _Pragma("GCC diagnostic pop")
#else
#define COIR_UNINITIALIZED_GUESSES_OFF
#define COIR_UNINITIALIZED_GUESSES_ON
#endif

#if defined(__SANITIZE_ADDRESS__)
#define COIR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COIR_ASAN 1
#endif
#endif
#ifndef COIR_ASAN
#define COIR_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define COIR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COIR_TSAN 1
#endif
#endif
#ifndef COIR_TSAN
#define COIR_TSAN 0
#endif

// A free list hides use-after-free from AddressSanitizer and valgrind, so frames and
// control blocks go straight to new and delete there.
#if !defined(COIR_NO_FRAME_CACHE) && COIR_ASAN
#define COIR_NO_FRAME_CACHE 1
#endif
#ifndef COIR_NO_FRAME_CACHE
#define COIR_NO_FRAME_CACHE 0
#endif

// What a free list holds is out of bounds for the program, and AddressSanitizer is told so.
#if COIR_ASAN
#include <sanitizer/asan_interface.h>
#define COIR_POISON(address, size) __asan_poison_memory_region(address, size)
#define COIR_UNPOISON(address, size) __asan_unpoison_memory_region(address, size)
#else
#define COIR_POISON(address, size) (static_cast<void>(address), static_cast<void>(size))
#define COIR_UNPOISON(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

// GCC 12.1 and 12.2 destroy a closure or aggregate twice that is created inside a
// co_await expression (docs/guide). There, builders reject the dangerous shapes.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ == 12 && __GNUC_MINOR__ <= 2 &&                               \
    !defined(COIR_ALLOW_INLINE_CLOSURES)
#define COIR_REJECT_INLINE_CLOSURES 1
#else
#define COIR_REJECT_INLINE_CLOSURES 0
#endif

#ifndef COIR_HAS_FUTEX
#if defined(__linux__)
#define COIR_HAS_FUTEX 1
#else
#define COIR_HAS_FUTEX 0
#endif
#endif

// State that must be one object in a program of several shared libraries, even when they are
// built with hidden visibility.
#if defined(_WIN32)
#define COIR_SHARED
#else
#define COIR_SHARED __attribute__((visibility("default")))
#endif

#if defined(__clang__)
#define COIR_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define COIR_LIFETIMEBOUND
#endif

// Clang then warns of a task that refers to a temporary which is gone when it is awaited. It has to
// be asked for: Clang also refuses any plain function that returns a task, lambdas such as
// `[&] { return download(url); }` included, unless it is marked [[clang::coro_wrapper]].
#if defined(COIR_LIFETIMEBOUND_TASKS) && defined(__clang__)
#define COIR_TASK_ATTRIBUTES [[clang::coro_return_type, clang::coro_lifetimebound]]
#define COIR_TASK_WRAPPER [[clang::coro_wrapper]]
#else
#define COIR_TASK_ATTRIBUTES
#define COIR_TASK_WRAPPER
#endif

#if defined(__x86_64__) || defined(__i386__)
#define COIR_CPU_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__) && !defined(_MSC_VER)
#define COIR_CPU_PAUSE() __asm__ __volatile__("yield")
#else
#define COIR_CPU_PAUSE() ((void)0)
#endif

namespace coir::inline v0::detail {

// Not std::hardware_destructive_interference_size: GCC warns that its value may differ
// between translation units, which is just what an ABI constant must not do.
inline constexpr std::size_t cache_line = 64;

} // namespace coir::inline v0::detail
