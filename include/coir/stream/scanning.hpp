// Stages that remember something of the elements before: scan, enumerate, changes.
//
//     prices | streams::changes() | streams::scan(0.0, larger) | streams::enumerate()
#pragma once

#include <coir/detail/invoke.hpp>
#include <coir/detail/kept_key.hpp>
#include <coir/stream/selecting.hpp>

#include <cstddef>
#include <utility>

namespace coir::inline v0::detail {

template <class Up, class State, class F>
class scan_stage : public stage<Up> {
    static_assert(std::invocable<F&, State, typename Up::value_type>,
                  "coir: scan takes a start value and a function of state and element");
    static_assert(std::copy_constructible<State>, "coir: the state of scan is copied into each element");

public:
    using value_type = State;

    scan_stage(Up&& up, State&& init, F&& f) : stage<Up>{std::move(up)}, state_(std::move(init)), f_(std::move(f)) {}

    status poll_next(fiber_base& f, std::optional<State>& out) {
        if (begun_) {
            std::optional<typename Up::value_type> in;
            status const s = this->up_.poll_next(f, in);
            if (s != status::value) {
                return s;
            }
            state_ = detail::invoke(f_, std::move(state_), std::move(*in));
        }
        begun_ = true;
        out.emplace(std::as_const(state_));
        return status::value;
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        if (!std::exchange(begun_, true)) {
            State first(std::as_const(state_));
            if (!give(std::move(first))) {
                return status::value;
            }
        }
        loop_local<State> state{state_};
        auto const pass = [&](typename Up::value_type&& x) COIR_FUSED_LAMBDA {
            *state = detail::invoke(f_, std::move(*state), std::move(x));
            State made(std::as_const(*state));
            return give(std::move(made));
        };
        return pull_each(this->up_, f, giving(give, pass));
    }

private:
    State state_;
    F f_;
    bool begun_ = false;
};

template <class Up>
class enumerate_stage : public stage<Up> {
public:
    using value_type = std::pair<std::size_t, typename Up::value_type>;
    using stage<Up>::stage;

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        std::optional<typename Up::value_type> in;
        status const s = this->up_.poll_next(f, in);
        if (s == status::value) {
            out.emplace(next_++, std::move(*in));
        }
        return s;
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        loop_local<std::size_t> next{next_};
        auto const pass = [&](typename Up::value_type&& x) COIR_FUSED_LAMBDA {
            value_type made((*next)++, std::move(x));
            return give(std::move(made));
        };
        return pull_each(this->up_, f, giving(give, pass));
    }

private:
    std::size_t next_ = 0;
};

template <class T, class Key>
struct unlike_last {
    static_assert(std::invocable<Key&, T const&>, "coir: changes takes a function of one element");
    using key = std::remove_cvref_t<std::invoke_result_t<Key&, T const&>>;
    static_assert(std::equality_comparable<key>,
                  "coir: changes compares elements, or what its function gives, with ==");
    using kept = kept_key<T, key>;
    static_assert(std::constructible_from<kept, std::invoke_result_t<Key&, T const&>>,
                  "coir: changes keeps a copy of the last element, or of what its function gives");

    using state = std::optional<kept>;

    bool passes(state& last, T const& element) {
        decltype(auto) now = detail::invoke(key_of, element);
        if (last && is_key(*last, now)) {
            return false;
        }
        last.emplace(static_cast<decltype(now)>(now));
        return true;
    }

    Key key_of;
};

template <class Up, class Key>
class changes_stage : public selecting_stage<Up, unlike_last<typename Up::value_type, Key>> {
    using rule = unlike_last<typename Up::value_type, Key>;

public:
    changes_stage(Up&& up, Key&& k) : selecting_stage<Up, rule>{std::move(up), rule{std::move(k)}} {}
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// `init`, before upstream is pulled, and then `state = f(state, element)` after each element:
// copies of the state.
template <class State, class F>
auto scan(State&& init, F&& f) {
    COIR_CHECK_VALUE(State);
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::scan_stage>(std::forward<State>(init), std::forward<F>(f));
}

// std::pair<std::size_t, T>: each element behind its number, from 0 on.
inline auto enumerate() { return detail::make_stage<detail::enumerate_stage>(); }

// Drops each element that is equal to the one before it.
inline auto changes() { return detail::make_stage<detail::changes_stage>(detail::identity{}); }

// The same, comparing `key(element const&)`, which is all that is kept. A key may refer into the
// element: of a reference, a std::string_view, and such parts of a std::tuple (as of std::tie) or
// std::pair, a copy is kept, in a std::string. Of other types that refer to something, as pointers
// do, the reference is: what a key of such a type refers to must outlive the stream.
template <class Key>
auto changes(Key&& key) {
    COIR_CHECK_CLOSURE(Key);
    return detail::make_stage<detail::changes_stage>(std::forward<Key>(key));
}

} // namespace coir::inline v0::streams
