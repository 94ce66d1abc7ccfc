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
#pragma once

#include <coir/detail/checked.hpp>
#include <coir/detail/direct_calls.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/stream/each.hpp>
#include <coir/task.hpp>

#include <memory>

namespace coir::inline v0 {

template <class T, class E>
class stream;

namespace detail {

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

    T&& take() noexcept { return std::move(*yielded_); }

private:
    T* yielded_ = nullptr;
    std::optional<T> copy_;
};

// A function of somebody else's that elements are given to.
template <class T>
class give_reference {
public:
    template <class Give>
    explicit give_reference(Give& give) noexcept
        : give_{std::addressof(give)}, call_{[](void* g, T&& x) { return (*static_cast<Give*>(g))(std::move(x)); }} {}

    bool operator()(T&& x) const { return call_(give_, std::move(x)); }

private:
    void* give_;
    bool (*call_)(void*, T&&);
};

template <class T, class E>
class erased_stream {
public:
    virtual ~erased_stream() = default;
    virtual status poll_next(fiber_base& f, std::optional<T>& out) = 0;
    virtual status poll_each(fiber_base& f, give_reference<T> give) = 0;
    virtual status poll_close(fiber_base& f) = 0;
    virtual E error() = 0;
    virtual std::exception_ptr defect() = 0;
    virtual fiber_id interrupted_by() = 0;
};

template <class S, class T, class E>
class erased final : public erased_stream<T, E> {
public:
    explicit erased(S&& s) : s_{std::move(s)} {}

    status poll_next(fiber_base& f, std::optional<T>& out) override {
        if constexpr (std::same_as<typename S::value_type, T>) {
            return s_.poll_next(f, out);
        } else {
            std::optional<typename S::value_type> in;
            status const s = s_.poll_next(f, in);
            if (s == status::value) {
                out.emplace(std::move(*in));
            }
            return s;
        }
    }
    status poll_each(fiber_base& f, give_reference<T> give) override {
        return pull_each(s_, f, [give](typename S::value_type&& x) COIR_FUSED_LAMBDA {
            if constexpr (std::same_as<typename S::value_type, T>) {
                return give(std::move(x));
            } else {
                return give(T(std::move(x)));
            }
        });
    }
    status poll_close(fiber_base& f) override { return s_.poll_close(f); }
    E error() override {
        if constexpr (std::same_as<typename S::error_type, never>) {
            std::terminate();
        } else {
            return convert_error<E>(s_.error());
        }
    }
    std::exception_ptr defect() override { return s_.defect(); }
    fiber_id interrupted_by() override { return s_.interrupted_by(); }

private:
    S s_;
};

} // namespace detail

// Movable between pulls. Pulled by one fiber at a time. Making one from a pipeline allocates
// once; a generator allocates its frame.
template <class T, class E = never>
class [[nodiscard]] stream {
public:
    using promise_type = detail::generator_promise<T, E>;
    using value_type = T;
    using error_type = E;

    // That S can be moved is not asked: a stage that holds a stream<T, E> would be asked it again.
    template <class S>
        requires(!std::derived_from<S, stream> && detail::polled_stream<S> &&
                 std::constructible_from<T, typename S::value_type> && error_for<E, typename S::error_type>)
    stream(S s) : erased_{std::make_unique<detail::erased<S, T, E>>(std::move(s))} {}

    ~stream() {
        COIR_CHECK(generator_ == nullptr || generator_->fiber == nullptr || has_ended(record_.ended()),
                   "a stream was destroyed while open, without its sink");
    }
    stream(stream&& other) noexcept
        : erased_{std::move(other.erased_)}, generator_{std::exchange(other.generator_, nullptr)},
          record_{std::move(other.record_)} {}

    // For pipelines and sinks.
    detail::status poll_next(detail::fiber_base& f, std::optional<T>& out) {
        if (erased_) {
            return erased_->poll_next(f, out);
        }
        detail::direct_calls call{f};
        detail::status const s = advance(call);
        if (s == detail::status::value) {
            out.emplace(generator_->take());
        }
        return s;
    }
    template <class Give>
    COIR_FUSED detail::status poll_each(detail::fiber_base& f, Give give) {
        if (erased_) {
            return erased_->poll_each(f, detail::give_reference<T>{give});
        }
        detail::direct_calls call{f};
        for (unsigned n = 0; n != detail::budget; ++n) {
            detail::status const s = advance(call);
            if (s != detail::status::value) {
                return s;
            }
            if (!give(generator_->take())) {
                break;
            }
        }
        return detail::status::value;
    }

    detail::status poll_close(detail::fiber_base& f) {
        if (erased_) {
            return erased_->poll_close(f);
        }
        if (detail::frame* const open = std::exchange(generator_, nullptr)) {
            if (record_.ended() == detail::status::pending) {
                f.push_frame(*open, record_);
                record_.cancel();
                return detail::status::unwind; // its children end first
            }
        }
        return detail::status::value;
    }

    E error()
        requires(!std::same_as<E, never>)
    {
        return erased_ ? erased_->error() : std::move(record_.end()).error();
    }
    std::exception_ptr defect() { return erased_ ? erased_->defect() : record_.end().defect(); }
    fiber_id interrupted_by() { return erased_ ? erased_->interrupted_by() : record_.end().interrupted_by(); }

private:
    friend promise_type;

    explicit stream(std::coroutine_handle<promise_type> c) noexcept : generator_{&c.promise()}, record_{c} {}

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

    std::unique_ptr<detail::erased_stream<T, E>> erased_;
    promise_type* generator_ = nullptr;
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
