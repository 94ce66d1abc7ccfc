// Streams that stand in for generators: the members of stream<T, E> that pull and close them. A part
// of generator.hpp, which includes it.
//
// Those that are open form a chain, from the one that the stream's own generator has begun to the
// innermost one. That alone is pulled, so an element, an end and a closing take the same time and
// stack at every depth. The chain grows when the innermost generator begins another stream, and
// gets shorter when the innermost one is closed.
#pragma once

#include <coir/stream/generator.hpp>

namespace coir::inline v0 {

// With a chain, or after it was left: the generator itself is the end of it.
template <class T, class E>
COIR_NOINLINE detail::status stream<T, E>::poll_nested(detail::fiber_base& f, std::optional<T>& out) {
    for (unsigned passed = 0; passed != detail::budget; ++passed) { // streams without an element
        stream& which = pulled();
        detail::status const s = innermost_ != nullptr ? innermost_->poll_next(f, out) : poll_own(f, out);
        if (s == detail::status::value) {
            if (which.generator_ == nullptr || !which.has_begun_another()) {
                return s;
            }
            enter();
        } else if (!has_ended(s) || innermost_ == nullptr) {
            return s;
        } else if (stream& outer = leave(); s != detail::status::end && s != detail::status::defect) {
            return outer.end_as(f, which, s);
        }
    }
    return detail::rest(f);
}

// value: its next element, or it has begun another stream.
template <class T, class E>
detail::status stream<T, E>::poll_own(detail::fiber_base& f, std::optional<T>& out) {
    if (erased_) {
        return erased_->poll_next(f, out);
    }
    detail::direct_calls call{f};
    detail::status const s = advance(call);
    if (s == detail::status::value && !has_begun_another()) {
        out.emplace(generator_->take());
    }
    return s;
}

// value: all that stood in for the generator is closed; what that threw is in thrown_.
template <class T, class E>
COIR_NOINLINE detail::status stream<T, E>::close_nested(detail::fiber_base& f) noexcept {
    for (;;) {
        if (pulled().has_another_open()) {
            enter(); // begun in a pull that was given up
        } else if (innermost_ == nullptr) {
            return detail::status::value;
        } else {
            detail::status const s = innermost_->poll_close(f);
            if (!has_ended(s)) {
                return s;
            }
            std::exception_ptr thrown = s == detail::status::defect ? innermost_->thrown() : nullptr;
            leave().thrown_ = std::move(thrown);
        }
    }
}

template <class T, class E>
stream<T, E>& stream<T, E>::pulled() noexcept {
    return innermost_ != nullptr ? innermost_->inner() : *this;
}

// The one that pulled() has begun. If it was pulled before, it brings a chain of its own.
template <class T, class E>
void stream<T, E>::enter() noexcept {
    stand_in* const begun = pulled().generator_->stand_in();
    begun->set_outer(std::exchange(innermost_, begun));
    stream& inner = begun->inner();
    if (inner.innermost_ != nullptr) {
        inner.generator_->stand_in()->set_outer(begun);
        innermost_ = std::exchange(inner.innermost_, nullptr);
    }
}

// The innermost one is closed. The one whose generator goes on, or ends.
template <class T, class E>
stream<T, E>& stream<T, E>::leave() noexcept {
    innermost_ = innermost_->outer();
    stream& outer = pulled();
    outer.generator_->end_stand_in();
    return outer;
}

// The generator ends as what stood in for it.
template <class T, class E>
detail::status stream<T, E>::end_as(detail::fiber_base& f, stream& inner, detail::status s) {
    if (s == detail::status::interrupted) {
        record_.interrupt(inner.interrupted_by());
    } else if (s == detail::status::cancelled) {
        record_.cancel();
    } else if constexpr (!std::same_as<E, never>) {
        record_.fail(inner.error());
    }
    f.push_frame(*generator_, record_);
    pulling_ = true;
    return detail::status::unwind;
}

} // namespace coir::inline v0
