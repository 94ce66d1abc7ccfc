// The operation of awaiting a task: pushes its frame, and ends as the frame ended.
#pragma once

#include <coir/detail/checked.hpp>
#include <coir/detail/fiber_base.hpp>
#include <coir/detail/frame.hpp>

#include <stdexcept>

namespace coir::inline v0 {

// A task is awaited, or forked, that was moved from or awaited before.
class spent_task : public std::logic_error {
public:
    spent_task() : std::logic_error{"coir: this task was moved from or awaited before"} {}
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

template <class T, class E>
class task_promise;

template <class T, class E>
class call : public completion<T, E> {
public:
    using value_type = T;
    using error_type = E;

    call() = default;
    template <class Promise>
    explicit call(std::coroutine_handle<Promise> coroutine) noexcept
        : completion<T, E>{coroutine}, frame_{coroutine ? &coroutine.promise() : nullptr} {}
    call(call&&) noexcept = default;

    // Takes over what another one would call, before it does.
    void adopt(call&& other) noexcept {
        completion_base::adopt(other);
        frame_ = std::exchange(other.frame_, nullptr);
    }

    status poll(fiber_base& f) noexcept {
        if (frame* const starting = std::exchange(frame_, nullptr)) {
            f.push_frame(*starting, *this);
            return status::call;
        }
        return has_ended(this->ended()) ? this->ended() : refuse();
    }

    T get() {
        // The frame goes first: its memory is warm, and is the first to be wanted again.
        this->destroy_frame();
        return std::move(this->end()).value();
    }
    E&& error() noexcept
        requires(!std::same_as<E, never>)
    {
        return std::move(this->end()).error();
    }
    std::exception_ptr defect() { return this->end().defect(); }
    fiber_id interrupted_by() { return this->end().interrupted_by(); }

private:
    COIR_NOINLINE status refuse() noexcept {
        COIR_CHECK(false, "a task was awaited that had been moved from or awaited before");
        this->die(std::make_exception_ptr(spent_task{}));
        return status::defect;
    }

    frame* frame_ = nullptr;
};

} // namespace coir::inline v0::detail
