// A stage whose function returns a task, which is awaited for each element.
#pragma once

#include <coir/adapt.hpp>
#include <coir/stream/applying.hpp>
#include <coir/stream/concept.hpp>

namespace coir::inline v0::detail {

// What transform, filter and tap do with the task's value: `argument` is what the function is
// called with; finish() says whether there is an element for the stage below.

template <class Up, class F>
struct transforming {
    using argument = typename Up::value_type;
    using value_type = std::remove_cvref_t<typename applying<F, argument>::value_type>;
    static_assert(gives_element<value_type>, "coir: transform takes a function that returns something; what is done "
                                             "for its effect is tap, or for_each");

    template <class Apply, class Element>
    static bool finish(Apply& apply, Element&, std::optional<value_type>& out) {
        out.emplace(apply.get());
        return true;
    }
};

template <class Up, class F>
struct filtering {
    using value_type = typename Up::value_type;
    using argument = value_type const&;
    static_assert(std::same_as<std::remove_cvref_t<typename applying<F, argument>::value_type>, bool>,
                  "coir: filter takes a function of one element that returns bool, or a task of bool");

    template <class Apply>
    static bool finish(Apply& apply, value_type& element, std::optional<value_type>& out) {
        bool const keep = apply.get();
        if (keep) {
            out.emplace(std::move(element));
        }
        return keep;
    }
};

template <class Up, class F>
struct tapping {
    using value_type = typename Up::value_type;
    using argument = value_type const&;

    template <class Apply>
    static bool finish(Apply& apply, value_type& element, std::optional<value_type>& out) {
        static_cast<void>(apply.get()); // rethrows a defect
        out.emplace(std::move(element));
        return true;
    }
};

template <class Up, class F, class Rule>
class awaiting_stage : public stage<Up> {
    using argument = typename Rule::argument;
    using apply = applying<F, argument>;

public:
    using value_type = typename Rule::value_type;
    using error_type = errors<typename Up::error_type, typename apply::error_type>;

    awaiting_stage(Up&& up, F&& f) : stage<Up>{std::move(up)}, apply_{std::in_place, std::move(f)} {}
    awaiting_stage(awaiting_stage&& other) // between two elements
        : stage<Up>{std::move(other.up_)}, apply_{std::move(other.apply_)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        for (;;) {
            status const s = apply_.is_running() ? apply_.poll(f) : begin(f);
            if (s != status::value) {
                return s;
            }
            bool const given = Rule::finish(apply_, *in_, out);
            apply_.finish();
            in_.reset();
            if (given) {
                return s;
            }
            if (++dropped_ == budget) {
                dropped_ = 0;
                return rest(f);
            }
        }
    }
    status poll_close(fiber_base& f) {
        closing_ = true;
        return this->up_.poll_close(f);
    }

    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        return apply_.is_running() ? error_as<error_type>(apply_) : error_as<error_type>(this->up_);
    }
    std::exception_ptr defect() { return apply_.is_running() && !closing_ ? apply_.defect() : this->up_.defect(); }
    fiber_id interrupted_by() { return apply_.is_running() ? apply_.interrupted_by() : this->up_.interrupted_by(); }

private:
    status begin(fiber_base& f) {
        status const s = this->up_.poll_next(f, in_);
        if (s != status::value) {
            return s;
        }
        apply_.start(static_cast<argument&&>(*in_));
        return apply_.poll(f);
    }

    apply apply_; // is running until its value was used, or it has ended otherwise
    std::optional<typename Up::value_type> in_;
    unsigned dropped_ = 0;
    bool closing_ = false;
};

} // namespace coir::inline v0::detail
