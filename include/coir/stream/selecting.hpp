// The bases of stages that pass elements on as they are, but not all of them: which, says a Rule.
// What changes with each element is not in the rule, but its `state`, of which a loop has a copy.
#pragma once

#include <coir/stream/each.hpp>

#include <utility>

namespace coir::inline v0::detail {

// Passes those for which `rule.passes(state&, element const&)` is true.
template <class Up, class Rule>
class selecting_stage : public stage<Up> {
    using element = typename Up::value_type;
    using state = typename Rule::state;

public:
    selecting_stage(Up&& up, Rule&& rule, state begin = {})
        : stage<Up>{std::move(up)}, rule_(std::move(rule)), state_(std::move(begin)) {}

    status poll_next(fiber_base& f, std::optional<element>& out) {
        for (;;) {
            status const s = this->up_.poll_next(f, out);
            if (s != status::value || rule_.passes(state_, std::as_const(*out))) {
                return s;
            }
            if (++dropped_ == budget) {
                dropped_ = 0;
                return rest(f);
            }
        }
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        loop_local<state> now{state_};
        return pull_each(this->up_, f, giving(give, [&](element&& x) COIR_FUSED_LAMBDA {
                             return rule_.passes(*now, std::as_const(x)) ? give(std::move(x)) : true;
                         }));
    }

private:
    COIR_NO_UNIQUE_ADDRESS Rule rule_;
    state state_;
    unsigned dropped_ = 0;
};

// Passes them until, after `rule.note(state&, element const&)` of one, `Rule::is_over(state)`.
template <class Up, class Rule>
class limited_stage : public stage<Up> {
    using element = typename Up::value_type;
    using state = typename Rule::state;

public:
    limited_stage(Up&& up, Rule&& rule, state begin = {})
        : stage<Up>{std::move(up)}, rule_(std::move(rule)), state_(std::move(begin)) {}

    status poll_next(fiber_base& f, std::optional<element>& out) {
        if (Rule::is_over(state_)) {
            return status::end;
        }
        status const s = this->up_.poll_next(f, out);
        if (s == status::value) {
            rule_.note(state_, std::as_const(*out));
        }
        return s;
    }
    static constexpr bool asks = is_asked<Up>;
    template <class Give>
    COIR_FUSED status poll_each(fiber_base& f, Give give) {
        if (Rule::is_over(state_)) {
            return status::end;
        }
        loop_local<state> now{state_};
        bool more = true;
        status const s = pull_each(this->up_, f, giving(give, [&](element&& x) COIR_FUSED_LAMBDA {
                                       rule_.note(*now, std::as_const(x));
                                       more = give(std::move(x));
                                       return more && !Rule::is_over(*now);
                                   }));
        return s == status::value && more && Rule::is_over(*now) ? status::end : s;
    }

private:
    COIR_NO_UNIQUE_ADDRESS Rule rule_;
    state state_;
};

} // namespace coir::inline v0::detail
