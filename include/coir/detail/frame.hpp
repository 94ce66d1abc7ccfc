// The frames of a fiber's stack, and the record in which each leaves its end for its caller.
#pragma once

#include <coir/detail/await_site.hpp>
#include <coir/detail/frame_pool.hpp>
#include <coir/detail/operation.hpp>

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

namespace coir::inline v0::detail {

// What a suspended frame waits in: the awaiter, which holds the operation.
class suspension {
public:
    // As operation::poll; an end that is not a value is written to the frame's completion.
    virtual status poll(fiber_base& f) = 0;

protected:
    ~suspension() = default;
};

// Owns a coroutine frame and knows how it ended. It lives in the operation of the caller.
class completion_base {
public:
    completion_base() = default;
    completion_base(completion_base&& other) noexcept : frame_{std::exchange(other.frame_, nullptr)} {}
    ~completion_base() { destroy_frame(); }
    completion_base& operator=(completion_base&&) = delete;

    status ended() const noexcept { return status_; }
    bool has_frame() const noexcept { return frame_ != nullptr; }

    // The frame must be suspended. Destructors of its locals run here.
    void destroy_frame() noexcept {
        if (frame_) {
            std::exchange(frame_, nullptr).destroy();
        }
    }

    // The caller awaits just this frame, so its success may resume the caller directly.
    bool resumes_caller = false;

    // Unwinding leaves the frame alone and says so. Whoever asked pushes it again and returns
    // status::unwind when it may go.
    bool keeps_frame = false;
    bool frame_kept = false;

protected:
    explicit completion_base(std::coroutine_handle<> frame) noexcept : frame_{frame} {}

    // Takes the frame of another one, before it runs.
    void adopt(completion_base& other) noexcept { frame_ = std::exchange(other.frame_, nullptr); }

    status status_ = status::pending;

private:
    std::coroutine_handle<> frame_;
};

template <class T, class E>
class completion : public completion_base {
public:
    using outcome_type = outcome<T, E>;

    completion() = default;
    explicit completion(std::coroutine_handle<> frame) noexcept : completion_base{frame} {}
    completion(completion&& other) noexcept : completion_base{std::move(other)} {} // before it runs

    template <class... Args>
    void succeed(Args&&... args) {
        end_.emplace(in_place_success, std::forward<Args>(args)...);
        status_ = status::value;
    }
    template <class... Args>
    void fail(Args&&... args) {
        end_.emplace(in_place_failure, std::forward<Args>(args)...);
        status_ = status::failure;
    }
    void die(std::exception_ptr thrown) {
        end_.emplace(outcome_type::died(std::move(thrown)));
        status_ = status::defect;
    }
    void interrupt(fiber_id by) {
        end_.emplace(outcome_type::interrupted(by));
        status_ = status::interrupted;
    }
    void cancel() noexcept {
        end_.reset();
        status_ = status::cancelled;
    }
    // Back to "has not run", for frames that run in pieces.
    void clear() noexcept {
        end_.reset();
        status_ = status::pending;
    }

    outcome_type& end() noexcept { return *end_; }
    outcome_type const& end() const noexcept { return *end_; }

private:
    std::optional<outcome_type> end_;
};

// What every promise of the library begins with. The caller comes first, so that a debugger
// can walk the stack.
struct frame {
    frame* caller = nullptr;
    fiber_base* fiber = nullptr;
    suspension* waits_in = nullptr;
    completion_base* completion = nullptr;
    COIR_NO_UNIQUE_ADDRESS await_site site; // of its last co_await
    std::coroutine_handle<> handle;
    bool forked = false;              // has children in the fiber's nursery
    status awaited = status::pending; // between await_ready and await_suspend

    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* p, std::size_t size) noexcept { deallocate_frame(p, size); }

    frame() = default;
    frame(frame const&) = delete;
    frame& operator=(frame const&) = delete;

protected:
    ~frame() = default;
};

} // namespace coir::inline v0::detail
