// Many elements in one call: what makes fused stages as fast as a loop.
//
//     template <class Give>
//     COIR_FUSED status poll_each(fiber_base& f, Give give) { // of a stage that doubles
//         return pull_each(this->up_, f, [&](int&& x) COIR_FUSED_LAMBDA { return give(x * 2); });
//     }
//
// A source that has elements at hand runs its own loop, and each stage is a function in the body of
// that loop, so that the compiler sees one loop over local variables. A stream need not have
// it. It does what this does, and may be mixed with poll_next, also in the middle of a pull:
//
//     for (unsigned n = 0; n != budget; ++n) {
//         status const s = poll_next(f, out);
//         if (s != status::value) return s;
//         if (!give(std::move(*out))) return status::value;
//     }
//     return status::value;
//
// `value`: it stopped between two elements, as give said so or as the budget was used up; who made
// `give` knows which. give never waits, so it may run in the middle of a pull. What it throws
// goes through all stages, which are only closed then.
//
// A give may have a question, which the source asks before each element: interrupt_when looks at
// its signal so. A compiler takes the look out of a loop in which nothing can fire the signal, which
// it cannot do with one that depends on whether the element passes a filter.
//
// All of it must end up in one function: what give refers to is in memory otherwise. GCC also leaves
// it there if a give has a constructor, or refers to another for its question.
#pragma once

#include <coir/stream/concept.hpp>

#include <memory>
#include <utility>

namespace coir::inline v0::detail {

template <class Give>
concept asks_for_more = requires(Give& give) {
    { give.question() } -> std::same_as<bool>;
};

// For sources, before each element.
template <class Give>
COIR_FUSED bool wants_more(Give& give) {
    if constexpr (asks_for_more<Give>) {
        return give.question();
    } else {
        return true;
    }
}

// A give that asks; made by giving() and giving_while().
template <class Body, class Question>
struct asking {
    template <class T>
    COIR_FUSED bool operator()(T&& x) {
        return body(std::forward<T>(x));
    }

    Body body;
    Question question;
};

// What a stage gives to upstream, when it was given `give`: `body`, and the question goes on.
template <class Give, class Body>
COIR_FUSED auto giving(Give& give, Body body) {
    if constexpr (asks_for_more<Give>) {
        return asking<Body, decltype(give.question)>{body, give.question};
    } else {
        return body;
    }
}

// The same, with a question of its own.
template <class Give, class Body, class Question>
COIR_FUSED auto giving_while(Give& give, Body body, Question question) {
    if constexpr (asks_for_more<Give>) {
        auto both = [others = give.question, question]() COIR_FUSED_LAMBDA { return others() && question(); };
        return asking<Body, decltype(both)>{body, both};
    } else {
        return asking<Body, Question>{body, question};
    }
}

// A stream that asks before each element.
template <class S>
inline constexpr bool is_asked = false;
template <class S>
    requires requires { S::asks; }
inline constexpr bool is_asked<S> = S::asks;

// A stream that has poll_each for a function of this type.
template <class S, class Give>
concept gives_each = requires(S& s, fiber_base& f, Give give) {
    { s.poll_each(f, give) } -> std::same_as<status>;
};

COIR_UNINITIALIZED_GUESSES_OFF
// poll_each of a stream that need not have it.
template <class S, class Give>
COIR_FUSED status pull_each(S& s, fiber_base& f, Give give) {
    if constexpr (gives_each<S, Give>) {
        return s.poll_each(f, give);
    } else {
        std::optional<typename S::value_type> out;
        for (unsigned n = 0; n != budget && wants_more(give); ++n) {
            status const ended = s.poll_next(f, out);
            if (ended != status::value) {
                return ended;
            }
            if (!give(std::move(*out))) {
                break;
            }
        }
        return status::value;
    }
}
COIR_UNINITIALIZED_GUESSES_ON

template <class T>
concept small_state = std::is_trivially_copyable_v<T> && std::copy_constructible<T> && sizeof(T) <= cache_line;

// What a loop changes with each element. Small state is a copy until the loop is over: the
// compiler keeps it in registers, as what the loop calls cannot reach it.
template <class T>
class loop_local {
public:
    explicit loop_local(T& at) noexcept : state_{at} {}
    T& operator*() noexcept { return state_; }
    T* operator->() noexcept { return std::addressof(state_); }

private:
    T& state_;
};

template <small_state T>
class loop_local<T> {
public:
    explicit loop_local(T& at) noexcept : home_{at}, state_(at) {}
    ~loop_local() { std::construct_at(std::addressof(home_), state_); } // a closure cannot be assigned
    loop_local(loop_local const&) = delete;
    loop_local& operator=(loop_local const&) = delete;

    T& operator*() noexcept { return state_; }
    T* operator->() noexcept { return std::addressof(state_); }

private:
    T& home_;
    T state_;
};

} // namespace coir::inline v0::detail
