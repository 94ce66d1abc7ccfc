// Stages that pass a part of a stream: take_while, take_until, drop, drop_while.
//
//     lines | streams::drop(1) | streams::drop_while(is_blank) | streams::take_until(is_last)
#pragma once

#include <coir/detail/count_argument.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/stream/applying.hpp>
#include <coir/stream/selecting.hpp>

#include <cstddef>
#include <utility>

namespace coir::inline v0::detail {

template <class Up, class F>
class take_while_stage : public stage<Up> {
    using element = typename Up::value_type;
    static_assert(element_predicate<F, typename Up::value_type>,
                  "coir: take_while takes a function of one element that returns bool");

public:
    take_while_stage(Up&& up, F&& f) : stage<Up>{std::move(up)}, wanted_(std::move(f)) {}

    status poll_next(fiber_base& f, std::optional<typename Up::value_type>& out) {
        status const s = this->up_.poll_next(f, out);
        return s == status::value && !detail::invoke(wanted_, std::as_const(*out)) ? status::end : s;
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        bool over = false;
        auto const pass = [&](element&& x) COIR_FUSED_LAMBDA {
            over = !detail::invoke(wanted_, std::as_const(x));
            return over ? false : give(std::move(x));
        };
        status const s = pull_each(this->up_, f, giving(give, pass));
        return over ? status::end : s;
    }

private:
    F wanted_;
};

template <class F>
struct up_to_last {
    using state = bool; // it was the last

    static bool is_over(bool over) noexcept { return over; }
    template <class T>
    void note(bool& over, T const& element) {
        over = detail::invoke(is_last, element);
    }

    F is_last;
};

template <class Up, class F>
class take_until_stage : public limited_stage<Up, up_to_last<F>> {
    static_assert(element_predicate<F, typename Up::value_type>,
                  "coir: take_until takes a function of one element that returns bool");

public:
    take_until_stage(Up&& up, F&& f) : limited_stage<Up, up_to_last<F>>{std::move(up), {std::move(f)}} {}
};

struct behind_first_n {
    using state = std::size_t; // how many are to be dropped still

    template <class T>
    static bool passes(std::size_t& left, T const&) noexcept {
        if (left == 0) {
            return true;
        }
        --left;
        return false;
    }
};

template <class Up, class N>
class drop_stage : public selecting_stage<Up, behind_first_n> {
public:
    drop_stage(Up&& up, N n) : selecting_stage<Up, behind_first_n>{std::move(up), {}, n} {}
};

template <class F>
struct from_first_wanted {
    using state = bool; // there was one

    template <class T>
    bool passes(bool& passing, T const& element) {
        passing = passing || !detail::invoke(unwanted, element);
        return passing;
    }

    F unwanted;
};

template <class Up, class F>
class drop_while_stage : public selecting_stage<Up, from_first_wanted<F>> {
    static_assert(element_predicate<F, typename Up::value_type>,
                  "coir: drop_while takes a function of one element that returns bool");

public:
    drop_while_stage(Up&& up, F&& f) : selecting_stage<Up, from_first_wanted<F>>{std::move(up), {std::move(f)}} {}
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// The elements before the first one for which `wanted(element const&)` is false. That one was
// pulled, and is dropped; upstream is not pulled any more.
template <class F>
auto take_while(F&& wanted) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::take_while_stage>(std::forward<F>(wanted));
}

// The elements up to and with the first one for which `is_last(element const&)` is true; upstream
// is not pulled any more. Asked about each element once and never in between.
template <class F>
auto take_until(F&& is_last) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::take_until_stage>(std::forward<F>(is_last));
}

// All but the first `n`. Negative: std::invalid_argument.
inline auto drop(detail::count_argument n) { return detail::make_stage<detail::drop_stage>(n.value()); }

// All from the first one on for which `unwanted(element const&)` is false.
template <class F>
auto drop_while(F&& unwanted) {
    COIR_CHECK_CLOSURE(F);
    return detail::make_stage<detail::drop_while_stage>(std::forward<F>(unwanted));
}

} // namespace coir::inline v0::streams
