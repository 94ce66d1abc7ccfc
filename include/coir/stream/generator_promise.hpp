// What a generator does when it yields: the promise of stream<T, E> as a coroutine.
#pragma once

#include <coir/detail/inline_closure.hpp>
#include <coir/stream/elements_of.hpp>
#include <coir/task.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coir::inline v0 {

template <class T, class E>
class stream;

} // namespace coir::inline v0

namespace coir::inline v0::detail {

template <class T, class E>
class generator_promise : public task_promise_base<void, E> {
public:
    stream<T, E> get_return_object() noexcept;
    void return_void() noexcept { this->record().succeed(); }

    // Takes the generator off the fiber's stack until the next pull.
    struct yielding {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<generator_promise> self) const noexcept {
            generator_promise& p = self.promise();
            p.fiber->set_top(p.caller);
            p.fiber->to_loop(status::value);
        }
        void await_resume() const noexcept {}
    };

    // A temporary lives in the frame until the generator goes on, and is moved from there.
    yielding yield_value(T&& element) noexcept {
        COIR_CHECK_VALUE(T);
        yielded_ = std::addressof(element);
        return {};
    }
    yielding yield_value(moved_callable<T> element) noexcept {
        T&& named = element.unwrap();
        yielded_ = std::addressof(named);
        return {};
    }
    // A named element is copied.
    yielding yield_value(T const& element)
        requires std::copy_constructible<T>
    {
        copy_.emplace(element);
        yielded_ = std::addressof(*copy_);
        return {};
    }

    // Not of a number that may be a null pointer.
    template <class U>
        requires(!std::is_convertible_v<U, T> && !(std::is_integral_v<U> && std::is_convertible_v<std::nullptr_t, T>))
    yielding yield_value(U&&) noexcept {
        static_assert(
            std::is_convertible_v<U, T>,
            "coir: this is not what the generator yields, or it has a name and cannot be copied: std::move it");
        return {};
    }

    // Leaves the fiber's stack too; the generator goes on when all has been pulled.
    class yielding_all : private yielding {
    public:
        explicit yielding_all(stream<T, E>&& s) noexcept : all_{std::move(s)} {}
        using yielding::await_ready;
        void await_suspend(std::coroutine_handle<generator_promise> self) noexcept {
            self.promise().stand_in_ = &all_;
            yielding::await_suspend(self);
        }
        void await_resume() const {
            if (all_.thrown()) {
                std::rethrow_exception(all_.thrown());
            }
        }

    private:
        stand_in_stream<T, E> all_;
    };
    template <class S>
    yielding_all yield_value(elements_of<S> all) {
        static_assert(std::constructible_from<T, typename S::value_type>,
                      "coir: the elements of this stream are not what the generator yields");
        static_assert(error_for<E, typename S::error_type>,
                      "coir: the generator's error type does not accept this stream's; use streams::transform_error");
        return yielding_all{stream<T, E>{all.unwrap()}};
    }

    // Null: the generator itself is to be resumed.
    stand_in_stream<T, E>* stand_in() const noexcept { return stand_in_; }
    void end_stand_in() noexcept { stand_in_ = nullptr; }

    T&& take() noexcept { return std::move(*yielded_); }

private:
    T* yielded_ = nullptr;
    stand_in_stream<T, E>* stand_in_ = nullptr;
    std::optional<T> copy_;
};

} // namespace coir::inline v0::detail
