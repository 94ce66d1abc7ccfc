// Pulling by hand.
//
//     auto body = [](auto& in) -> coir::task<int> {
//         int sum = 0;
//         while (auto x = co_await coir::next(in)) sum += *x;
//         co_return sum;
//     };
//     int const sum = co_await coir::with_stream(numbers(), body);
//
// The stream is closed on every path out of the body, before the result is seen.
#pragma once

#include <coir/detail/work.hpp>
#include <coir/stream/closing.hpp>

namespace coir::inline v0 {

// A stream that is being pulled; with_stream makes it.
template <async_stream S>
class open_stream {
public:
    explicit open_stream(detail::closing<S>& s) noexcept : stream_{&s} {}
    detail::closing<S>& get() const noexcept { return *stream_; }

private:
    detail::closing<S>* stream_;
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

template <class S>
class [[nodiscard]] next_operation {
public:
    using value_type = std::optional<typename S::value_type>;
    using error_type = typename S::error_type;

    explicit next_operation(closing<S>& s) noexcept : stream_{&s} {}
    next_operation(next_operation&& other) noexcept : stream_{other.stream_} {}

    status poll(fiber_base& f) {
        if (has_ended(ended_)) {
            return stream_->close(f, ended_);
        }
        ended_ = stream_->pull(f, element_);
        switch (ended_) {
        case status::end:
            element_.reset(); // it may hold what was filtered out
            return status::value;
        case status::failure:
        case status::interrupted: return stream_->close(f, ended_); // only then it is asked for more
        default: return ended_;
        }
    }
    value_type get() {
        if (ended_ == status::defect) {
            std::rethrow_exception(stream_->defect());
        }
        return std::move(element_);
    }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return stream_->stream().error();
    }
    std::exception_ptr defect() { return stream_->defect(); }
    fiber_id interrupted_by() { return stream_->stream().interrupted_by(); }

private:
    closing<S>* stream_;
    value_type element_;
    status ended_ = status::pending;
};

template <class S, class Body>
class [[nodiscard]] with_stream_operation {
    using body = invocation<Body, open_stream<S>&>;

public:
    using value_type = typename body::value_type;
    using error_type = typename body::error_type;

    template <class B>
    with_stream_operation(S&& s, B&& b) : stream_{std::move(s)}, body_(std::forward<B>(b)) {}

    status poll(fiber_base& f) {
        if (!has_ended(ended_)) {
            handle_ = open_stream<S>{stream_};
            ended_ = body_.poll(f, handle_);
            if (!has_ended(ended_)) {
                return ended_;
            }
            first_ = ended_;
        }
        return stream_.close(f, ended_);
    }
    value_type get() {
        if (ended_ == status::defect && first_ != status::defect) {
            std::rethrow_exception(stream_.defect());
        }
        return body_.get();
    }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return body_.error();
    }
    std::exception_ptr defect() { return first_ == status::defect ? body_.defect() : stream_.defect(); }
    fiber_id interrupted_by() { return body_.interrupted_by(); }

private:
    closing<S> stream_;
    open_stream<S> handle_{stream_};
    body body_;
    status first_ = status::pending; // how the body ended
    status ended_ = status::pending;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// Runs `body(in)` on `s`, and closes it.
template <async_stream S, class Body>
    requires std::invocable<detail::stored<Body>&, open_stream<S>&>
auto with_stream(S s, Body&& body) {
    COIR_CHECK_CLOSURE(Body);
    static_assert(detail::work<detail::stored<Body>, open_stream<S>&>,
                  "coir: the body of with_stream is a coroutine, or returns another awaitable");
    return detail::with_stream_operation<S, detail::stored<Body>>{std::move(s),
                                                                  detail::unwrap(std::forward<Body>(body))};
}

template <class S, class Body>
    requires(!async_stream<std::remove_cvref_t<S>>)
auto with_stream(S&&, Body&&) {
    static_assert(async_stream<S>, "coir: this is no stream; begin with streams::from or another source");
}
template <class S, class Body>
    requires(async_stream<std::remove_cvref_t<S>> &&
             !std::invocable<detail::stored<Body>&, open_stream<std::remove_cvref_t<S>>&>)
auto with_stream(S&&, Body&&) {
    static_assert(detail::fits<S>, "coir: the body of with_stream takes the open stream, auto& in, for next(in)");
}

// `co_await next(in)` -> std::optional<T>: nothing at the end, and ever after. A pull that failed
// or was given up, by a timeout say, is the last one. A stream that failed is closed before its
// error is seen.
template <class S>
auto next(open_stream<S>& in) {
    return detail::next_operation<S>{in.get()};
}

template <class S>
    requires async_stream<std::remove_cvref_t<S>>
auto next(S&&) {
    static_assert(detail::fits<S>, "coir: next pulls what with_stream gives its body, and closes: it takes no stream");
}

} // namespace coir::inline v0
