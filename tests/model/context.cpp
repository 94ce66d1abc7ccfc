#include "context.hpp"

#include <cstdint>
#include <cstdlib>

// The C++ ABI's per-thread stack of exceptions; both runtimes lay it out like exception_state.
extern "C" void* __cxa_get_globals() noexcept;

#if defined(__x86_64__) && defined(__linux__)

// swapcontext makes a system call for the signal mask; millions of schedules cannot afford it.
// Only what the System V ABI calls callee-saved has to survive.
extern "C" void coir_model_change_stack(void** save, void* load);
asm(R"(
.text
.globl coir_model_change_stack
.type coir_model_change_stack, @function
coir_model_change_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size coir_model_change_stack, .-coir_model_change_stack
)");

namespace model::detail {

void context::prepare(std::byte* stack, std::size_t size, void (*entry)()) {
    // At its first instruction a function expects rsp + 8 to be a multiple of 16 and, at rsp, the
    // address to return to; a null one ends backtraces.
    auto** top = reinterpret_cast<void**>((reinterpret_cast<std::uintptr_t>(stack) + size) & ~std::uintptr_t{15});
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(entry);
    for (int saved = 0; saved < 6; ++saved) *--top = nullptr;
    stack_pointer_ = top;
    exceptions_ = {};
}

void context::change(context& from, context& to) {
    auto& exceptions = *static_cast<exception_state*>(__cxa_get_globals());
    from.exceptions_ = exceptions;
    exceptions = to.exceptions_;
    coir_model_change_stack(&from.stack_pointer_, to.stack_pointer_);
}

} // namespace model::detail

#else

namespace model::detail {

void context::prepare(std::byte* stack, std::size_t size, void (*entry)()) {
    if (getcontext(&state_) != 0) std::abort();
    state_.uc_stack.ss_sp = stack;
    state_.uc_stack.ss_size = size;
    state_.uc_link = nullptr;
    makecontext(&state_, entry, 0);
    exceptions_ = {};
}

void context::change(context& from, context& to) {
    auto& exceptions = *static_cast<exception_state*>(__cxa_get_globals());
    from.exceptions_ = exceptions;
    exceptions = to.exceptions_;
    if (swapcontext(&from.state_, &to.state_) != 0) std::abort();
}

} // namespace model::detail

#endif
