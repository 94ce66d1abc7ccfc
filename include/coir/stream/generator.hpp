// stream<T, E>: a coroutine that yields elements, and the holder of any pipeline.
//
//     coir::stream<std::string, io_error> lines(file& f) {
//         while (auto l = co_await f.read_line()) co_yield std::move(*l);
//     }
//     coir::stream<int> numbers = coir::streams::from(std::vector{1, 2, 3}) | coir::streams::take(2);
//
// A generator awaits, fails and forks like a task. Its frame is on the fiber's stack while it
// works and leaves it when it yields. It is resumed by who pulls, so that an element does not pass
// through the run loop. Closing a generator that has not ended unwinds its frame.
//
// After `co_yield elements_of(inner)` the stream of the generator pulls `inner` in its place, until
// that has ended and is closed. It pulls the innermost one directly, however deep.
#pragma once

#include <coir/detail/checked.hpp>
#include <coir/detail/direct_calls.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/stream/erased.hpp>
#include <coir/stream/generator_promise.hpp>
#include <coir/task.hpp>

#include <memory>

namespace coir::inline v0 {

// Movable between pulls. Pulled by one fiber at a time. Making one from a pipeline allocates
// once; a generator allocates its frame.
template <class T, class E = never>
class [[nodiscard]] stream {
    using stand_in = detail::stand_in_stream<T, E>;

public:
    using promise_type = detail::generator_promise<T, E>;
    using value_type = T;
    using error_type = E;

    // That S can be moved is not asked: a stage that holds a stream<T, E> would be asked it again.
    template <class S>
        requires(!std::derived_from<S, stream> && detail::polled_stream<S> &&
                 std::constructible_from<T, typename S::value_type> && error_for<E, typename S::error_type>)
    stream(S s) : erased_{std::make_unique<detail::erased<S, T, E>>(std::move(s))} {}

    // Of one whose errors it does not accept, to say so. One with other elements is left to other
    // overloads.
    template <class S>
        requires(!std::derived_from<S, stream> && detail::polled_stream<S> &&
                 std::constructible_from<T, typename S::value_type> && !error_for<E, typename S::error_type>)
    stream(S) {
        static_assert(error_for<E, typename S::error_type>,
                      "coir: the E of stream<T, E> does not accept this pipeline's errors; add them, or use "
                      "streams::transform_error");
    }

    ~stream() { check_not_open(); }
    stream(stream&& other) noexcept
        : erased_{std::move(other.erased_)}, generator_{std::exchange(other.generator_, nullptr)},
          innermost_{std::exchange(other.innermost_, nullptr)}, record_{std::move(other.record_)} {}
    // What it held has not been started, or is closed.
    stream& operator=(stream&& other) noexcept {
        if (this != &other) {
            check_not_open();
            erased_ = std::move(other.erased_);
            generator_ = std::exchange(other.generator_, nullptr);
            innermost_ = std::exchange(other.innermost_, nullptr);
            std::destroy_at(&record_);
            std::construct_at(&record_, std::move(other.record_));
            thrown_ = nullptr;
            pulling_ = false;
        }
        return *this;
    }

    // For pipelines and sinks.
    detail::status poll_next(detail::fiber_base& f, std::optional<T>& out) {
        if (erased_) {
            return erased_->poll_next(f, out);
        }
        if (innermost_ == nullptr) [[likely]] {
            detail::direct_calls call{f};
            detail::status const s = advance(call);
            if (s != detail::status::value) {
                return s;
            }
            if (!has_begun_another()) [[likely]] {
                out.emplace(generator_->take());
                return s;
            }
            enter();
        }
        return poll_nested(f, out);
    }
    template <class Give>
    COIR_FUSED detail::status poll_each(detail::fiber_base& f, Give give) {
        if (erased_) {
            return erased_->poll_each(f, detail::give_reference<T>{give});
        }
        for (unsigned n = 0; n != detail::budget; ++n) {
            std::optional<T> out;
            detail::status const s = poll_next(f, out);
            if (s != detail::status::value || !give(std::move(*out))) {
                return s;
            }
            if (innermost_ != nullptr) [[unlikely]] {
                continue;
            }
            // From one yield to the next, while the generator does nothing else.
            for (detail::direct_calls call{f}; n + 1 != detail::budget && !call.are_too_deep(); ++n) {
                detail::status const went = call.again(*generator_);
                if (went != detail::status::value) [[unlikely]] {
                    pulling_ = true;
                    return went;
                }
                if (record_.ended() != detail::status::pending || has_begun_another()) [[unlikely]] {
                    pulling_ = true;
                    break;
                }
                if (!give(generator_->take())) {
                    return detail::status::value;
                }
            }
        }
        return detail::status::value;
    }

    detail::status poll_close(detail::fiber_base& f) {
        if (erased_) {
            return erased_->poll_close(f);
        }
        if (innermost_ != nullptr || has_another_open()) {
            detail::status const s = close_nested(f);
            if (s != detail::status::value) {
                return s;
            }
        }
        if (detail::frame* const open = std::exchange(generator_, nullptr)) {
            if (record_.ended() == detail::status::pending) {
                f.push_frame(*open, record_);
                record_.cancel();
                return detail::status::unwind; // its children end first
            }
        }
        return thrown_ ? detail::status::defect : detail::status::value;
    }

    E error()
        requires(!std::same_as<E, never>)
    {
        return erased_ ? erased_->error() : std::move(record_.end()).error();
    }
    std::exception_ptr defect() {
        if (erased_) {
            return erased_->defect();
        }
        return thrown_ ? thrown_ : record_.end().defect();
    }
    fiber_id interrupted_by() { return erased_ ? erased_->interrupted_by() : record_.end().interrupted_by(); }

private:
    friend promise_type;
    friend stand_in;

    explicit stream(std::coroutine_handle<promise_type> c) noexcept : generator_{&c.promise()}, record_{c} {}

    void check_not_open() const noexcept {
        COIR_CHECK(generator_ == nullptr || generator_->fiber == nullptr || has_ended(record_.ended()),
                   "a stream was destroyed while open, without its sink");
    }

    // Until the generator has yielded, or ended.
    COIR_FUSED detail::status advance(detail::direct_calls& call) noexcept {
        if (pulling_) {
            pulling_ = false;
        } else {
            if (generator_ == nullptr) { // pulled after its end
                COIR_CHECK(has_ended(record_.ended()), "a stream was pulled that had been moved from");
                return detail::status::end;
            }
            detail::status const s = call(*generator_, record_);
            if (s != detail::status::value) {
                pulling_ = true;
                return s;
            }
        }
        detail::status const s = record_.ended();
        if (s == detail::status::pending) [[likely]] {
            return detail::status::value;
        }
        generator_ = nullptr;
        return s == detail::status::value ? detail::status::end : s;
    }

    // A stand-in, after it has yielded.
    bool has_begun_another() const noexcept { return generator_->stand_in() != nullptr; }
    // The same when it may have ended, or have been left in the middle.
    bool has_another_open() const noexcept {
        return generator_ != nullptr && record_.ended() == detail::status::pending && has_begun_another();
    }

    // generator_nesting.hpp
    detail::status poll_nested(detail::fiber_base& f, std::optional<T>& out);
    detail::status poll_own(detail::fiber_base& f, std::optional<T>& out);
    detail::status close_nested(detail::fiber_base& f) noexcept;
    stream& pulled() noexcept;
    void enter() noexcept;
    stream& leave() noexcept;
    detail::status end_as(detail::fiber_base& f, stream& inner, detail::status s);

    std::unique_ptr<detail::erased_stream<T, E>> erased_;
    promise_type* generator_ = nullptr;
    stand_in* innermost_ = nullptr; // of those that stand in for the generator, and for each other
    std::exception_ptr thrown_;     // in closing, by what stood in for the generator
    detail::completion<void, E> record_;
    bool pulling_ = false;
};

namespace detail {

template <class T, class E>
stream<T, E> generator_promise<T, E>::get_return_object() noexcept {
    return stream<T, E>{handle_of(*this)};
}

} // namespace detail

} // namespace coir::inline v0

#include <coir/stream/generator_nesting.hpp>
