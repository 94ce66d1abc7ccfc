// A fiber's saved execution state: what lets many model threads take turns on one real thread.
//
//     context main, fiber;
//     fiber.prepare(stack, stack_size, entry);
//     context::change(main, fiber); // returns when someone changes back to main
#pragma once

#include <cstddef>

#if !defined(__x86_64__) || !defined(__linux__)
#include <ucontext.h>
#endif

namespace model::detail {

class context {
public:
    /// Makes the context start `entry`, which must never return, on the given stack.
    void prepare(std::byte* stack, std::size_t size, void (*entry)());

    /// Saves the running context in `from` and continues `to`.
    static void change(context& from, context& to);

private:
    // An exception that is being handled belongs to the fiber that handles it.
    struct exception_state {
        void* caught = nullptr;
        unsigned int uncaught = 0;
    };
    exception_state exceptions_;
#if defined(__x86_64__) && defined(__linux__)
    void* stack_pointer_ = nullptr;
#else
    ucontext_t state_{};
#endif
};

} // namespace model::detail
