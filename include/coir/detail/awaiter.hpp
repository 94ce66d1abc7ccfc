// Between the compiler's await protocol and ours: holds the operation in the frame, polls it,
// and leaves an end that is not a value in the frame's completion.
#pragma once

#include <coir/detail/call.hpp>
#include <coir/detail/foreign_operation.hpp>

namespace coir::inline v0::detail {

// Promise: a frame with `record()`, the completion<T, E> of the running call.
template <operation Op, class Promise>
class awaiter final : public suspension {
public:
    awaiter(Op&& op, Promise& promise) : promise_{promise}, op_{std::move(op)} {
        if constexpr (std::derived_from<Op, completion_base>) {
            op_.resumes_caller = true;
        }
    }
    awaiter(awaiter const&) = delete;
    awaiter& operator=(awaiter const&) = delete;

    bool await_ready() {
        status const s = op_.poll(*promise_.fiber);
        promise_.awaited = s;
        return s == status::value || s == status::defect;
    }

    // Nobody can resume the coroutine before the run loop, one level below, has parked the
    // fiber: what happens here is not yet visible to other threads.
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept {
        fiber_base& f = *promise_.fiber;
        status const s = promise_.awaited;
        promise_.waits_in = this;
        if (s == status::call) {
            return f.transfer(*f.top());
        }
        if (unwinds(s)) {
            record(s);
        }
        return f.to_loop(s);
    }

    // A defect is rethrown here.
    typename Op::value_type await_resume() { return op_.get(); }

    status poll(fiber_base& f) override {
        status const s = op_.poll(f);
        if (unwinds(s)) {
            record(s);
        }
        return s;
    }

private:
    void record(status s) noexcept {
        auto& end = promise_.record();
        try {
            if constexpr (requires { op_.suppressed(); }) {
                for (std::exception_ptr const& thrown : op_.suppressed()) {
                    promise_.fiber->suppressed.add(thrown);
                }
            }
            if (s == status::failure) {
                if constexpr (!std::same_as<typename Op::error_type, never>) {
                    end.fail(convert_error<typename Promise::error_type>(op_.error()));
                }
            } else if (s == status::interrupted) {
                end.interrupt(op_.interrupted_by());
            } else if (s == status::cancelled) {
                end.cancel();
            }
        } catch (...) {
            end.die(std::current_exception());
        }
    }

    Promise& promise_;
    Op op_;
};

} // namespace coir::inline v0::detail
