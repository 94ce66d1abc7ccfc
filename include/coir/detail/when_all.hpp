// The operation of when_all.
#pragma once

#include <coir/detail/deciding_group.hpp>
#include <coir/detail/group_member.hpp>
#include <coir/detail/later_end.hpp>

#include <tuple>

namespace coir::inline v0::detail {

// The last one runs in the fiber that awaits them, the others beside it.
template <class... Ops>
class [[nodiscard]] when_all_operation {
    static constexpr std::size_t last = sizeof...(Ops) - 1;
    using others = std::make_index_sequence<last>;

    template <std::size_t I>
    using op = std::tuple_element_t<I, std::tuple<Ops...>>;
    template <std::size_t I>
    using part = std::conditional_t<I == last, op<I>, member<op<I>, group_place<all_group>>>;
    template <std::size_t... I>
    static std::tuple<part<I>...> parts_of(std::index_sequence<I...>);

public:
    using value_type = std::tuple<regular<member_value<Ops>>...>;
    using error_type = errors<typename Ops::error_type...>;

    explicit when_all_operation(Ops&&... ops) : parts_{std::move(ops)...} {}

    status poll(fiber_base& f) {
        switch (phase_) {
        case phase::before:
            group_.enter(f);
            phase_ = phase::running;
            start(f, others{});
            [[fallthrough]];
        case phase::running:
            inline_end_ = poll_last(f);
            if (!has_ended(inline_end_)) {
                return inline_end_;
            }
            if (inline_end_ != status::value) {
                group_.decide_by(last);
            }
            phase_ = phase::children;
            [[fallthrough]];
        case phase::children:
            if (group_.poll_members(f) == status::pending) {
                return status::pending;
            }
            phase_ = phase::ended;
            keep_later_ends(f, others{});
            ended_ = group_.exit(decided_end());
            [[fallthrough]];
        case phase::ended: break;
        }
        return ended_;
    }

    value_type get() {
        if (ended_ == status::defect) {
            std::rethrow_exception(defect());
        }
        return values(others{});
    }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        std::optional<error_type> e;
        decisive([&](auto& end) { e.emplace(error_as<error_type>(end)); });
        return std::move(*e);
    }
    std::exception_ptr defect() {
        std::exception_ptr thrown = not_started_;
        if (!thrown || group_.decided_by() != last) {
            decisive([&](auto& end) { thrown = end.defect(); });
        }
        return thrown;
    }
    fiber_id interrupted_by() {
        fiber_id by;
        decisive([&](auto& end) { by = end.interrupted_by(); });
        return by;
    }

private:
    enum class phase : unsigned char { before, running, children, ended };

    // A fiber that is asked to end begins nothing more. If one cannot be made, those before it are
    // interrupted and awaited like any others.
    template <std::size_t... I>
    void start(fiber_base& f, std::index_sequence<I...>) noexcept {
        auto const start_one = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
            refused_ = refused_ || f.cancel_requested();
            if (!refused_) {
                std::get<N>(parts_).start(group_, {group_, N}, fiber_base::start::queued);
            }
        };
        try {
            (start_one(std::integral_constant<std::size_t, I>{}), ...);
        } catch (...) {
            not_started_ = std::current_exception();
        }
    }

    status poll_last(fiber_base& f) {
        if (not_started_) {
            return status::defect;
        }
        return refused_ ? status::cancelled : std::get<last>(parts_).poll(f);
    }

    // Who fails or dies after the one that decided does not change the result, and is not lost.
    template <std::size_t... I>
    void keep_later_ends(fiber_base& f, std::index_sequence<I...>) noexcept {
        std::size_t const first = group_.decided_by();
        if (first == all_group::undecided) {
            return;
        }
        (add_later_end(f, std::get<I>(parts_), first == I), ...);
        if (first != last) {
            add_later(f, not_started_ ? not_started_ : detail::as_thrown(std::get<last>(parts_), inline_end_));
        }
    }

    status decided_end() {
        if (group_.decided_by() == all_group::undecided) {
            return all_group::undecided_end;
        }
        if (group_.decided_by() == last) {
            return inline_end_;
        }
        status s{};
        decisive([&](auto& end) {
            if constexpr (requires { end.kind(); }) { // a member's outcome
                s = status_of(end.kind());
            }
        });
        return s;
    }

    // Calls `g` with what decided: a member's outcome, or the operation that ran here.
    template <class G>
    void decisive(G&& g) {
        if (group_.decided_by() == last) {
            g(std::get<last>(parts_));
            return;
        }
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            ((group_.decided_by() == I ? g(std::get<I>(parts_).end()) : void()), ...);
        }(others{});
    }

    template <std::size_t... I>
    value_type values(std::index_sequence<I...>) {
        return value_type{regular_value(std::get<I>(parts_).end())..., regular_get(std::get<last>(parts_))};
    }

    decltype(parts_of(std::index_sequence_for<Ops...>{})) parts_;
    all_group group_{sizeof...(Ops)};
    std::exception_ptr not_started_; // what starting a member threw
    phase phase_ = phase::before;
    bool refused_ = false; // one was not started, as the fiber was asked to end
    status inline_end_ = status::pending;
    status ended_ = status::pending;
};

} // namespace coir::inline v0::detail
