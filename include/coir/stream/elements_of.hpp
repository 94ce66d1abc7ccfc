// All elements of another stream, in a generator.
//
//     coir::stream<int> in_order(node const* n) {
//         if (n == nullptr) co_return;
//         co_yield coir::elements_of(in_order(n->left));
//         co_yield n->value;
//         co_yield coir::elements_of(in_order(n->right));
//     }
#pragma once

#include <coir/stream/enclosed.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace coir::inline v0 {

template <class T, class E>
class stream;

// `co_yield elements_of(inner)` in a generator: all elements of `inner`, a stream given as an
// rvalue, before the generator goes on. `inner` is closed by then; how it failed or was interrupted
// is how the generator does, and an exception of it is thrown at the co_yield. An element takes the
// same time, and the same stack, however deep generators of one type are nested: a recursion may be
// as deep as there is memory for its frames. A pipeline, or a generator of another type, is a call
// more for its elements, and its place on the stack.
template <class S>
class elements_of {
public:
    static_assert(async_stream<S>, "coir: elements_of takes a stream, as an rvalue: elements_of(std::move(inner))");
    explicit elements_of(S&& inner) : inner_{std::move(inner)} {}

    S&& unwrap() noexcept { return std::move(inner_); }

private:
    S inner_;
};
template <class S>
elements_of(S&&) -> elements_of<S>;

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// The stream that stands in for a generator. It lives in the generator's frame.
template <class T, class E>
class stand_in_stream {
public:
    explicit stand_in_stream(stream<T, E>&& s) noexcept : inner_{std::move(s)} {}

    // As poll_next of a stream, but it may have begun another one instead of giving an element.
    // end, defect, failure... : it is closed as well.
    status poll_next(fiber_base& f, std::optional<T>& out) noexcept {
        if (!has_ended(ended_)) {
            status const s = pull(f, out);
            if (!has_ended(s) || s == status::value) {
                return s;
            }
            ended_ = s;
        }
        status const closed = inner_.close(f);
        if (!has_ended(closed)) {
            return closed;
        }
        if (closed == status::defect) {
            settle(f);
        }
        return ended_;
    }
    // In the closing of the generator; value, or defect: thrown() has it.
    status poll_close(fiber_base& f) noexcept { return inner_.poll_close(f); }

    stream<T, E>& inner() noexcept { return inner_.stream(); }
    std::exception_ptr const& thrown() const noexcept { return thrown_ ? thrown_ : inner_.thrown(); }

    // The one around it; null: it stands in for the generator of the stream that is pulled.
    stand_in_stream* outer() const noexcept { return outer_; }
    void set_outer(stand_in_stream* s) noexcept { outer_ = s; }

private:
    status pull(fiber_base& f, std::optional<T>& out) noexcept {
        try {
            status const s = inner_.stream().poll_own(f, out);
            if (s == status::defect) {
                thrown_ = inner_.stream().defect();
            }
            return s;
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }
    void settle(fiber_base& f) {
        if (ended_ == status::end) {
            ended_ = status::defect;
        } else {
            f.suppressed.add(inner_.thrown());
        }
    }

    enclosed<stream<T, E>> inner_;
    stand_in_stream* outer_ = nullptr;
    std::exception_ptr thrown_; // by a pull
    status ended_ = status::pending;
};

} // namespace coir::inline v0::detail
