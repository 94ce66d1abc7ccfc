// A stage that holds back what upstream gives until a moment comes: what debounce, sample and
// chunk_within have in common. Upstream is pulled by a fiber of the stage, as the stage listens to
// it and to the clock at once.
//
// Hold, what is held back, is made with the first pull, as Hold{settings, scope, now}:
//     bool add(inlet<Up>&, now)     takes the element that is there. True: give now
//     time_point due() const        when to give; the same until add() or give(); max(): never yet
//     bool is_empty() const
//     void give(std::optional<value_type>& out)
//     bool look()                   under the scope's lock, at each wake. True: give now
#pragma once

#include <coir/stream/concurrent/inlets.hpp>
#include <coir/stream/concurrent/wait_limit.hpp>
#include <coir/stream/stage_time.hpp>

#include <optional>
#include <tuple>
#include <utility>

namespace coir::inline v0::detail {

template <class Up, class Hold>
struct holding_state : inlets_state<Up> {
    holding_state(fiber_base& f, std::tuple<Up>& ups) : inlets_state<Up>{"a stream or a moment", f, ups} {}

    wait_limit limit;
    std::optional<Hold> hold;
    bool over = false;
};

// What is held when upstream ends is given at once; it is dropped when upstream fails.
template <class Up, class Hold, class Settings>
class holding_stage : public inlets_stage<holding_state<Up, Hold>, Up> {
public:
    using value_type = typename Hold::value_type;

    holding_stage(Up&& up, Settings settings)
        : inlets_stage<holding_state<Up, Hold>, Up>{std::move(up)}, settings_(std::move(settings)) {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        auto& state = this->started(f);
        if (!state.hold) {
            state.hold.emplace(settings_, state.scope, f.where().now());
        }
        bool is_ahead = false;
        while (!state.over) {
            inlet_base* from = nullptr;
            bool asked = false;
            auto const look = [&] {
                asked = state.hold->look();
                return state.news.pop(from) || asked;
            };
            status const s = state.limit.wait(state.scope, f, state.hold->due(), look, is_ahead);
            if (s != status::value && s != status::end) {
                return s;
            }
            bool give = asked || s == status::end; // the moment has come
            is_ahead = false;
            if (from != nullptr && from->has_element()) {
                clock::time_point const now = f.where().now();
                // A moment that has passed is not put off by one more element, else an upstream
                // that always has one would put it off for ever.
                bool const added = state.hold->add(state.in.only(), now);
                is_ahead = state.hold->due() > now;
                give = added || !is_ahead || give;
            } else if (from != nullptr && from->has_ended()) {
                give = state.over = true;
            }
            if (give && !state.hold->is_empty()) {
                state.hold->give(out);
                return status::value;
            }
        }
        return status::end;
    }

private:
    Settings settings_;
};

// The base of a Hold that only the clock and upstream make give.
class plain_hold {
public:
    bool look() const noexcept { return false; }

protected:
    static constexpr clock::time_point never_due = (clock::time_point::max)();
};

} // namespace coir::inline v0::detail
