// The operation of when_any and race.
#pragma once

#include <coir/detail/deciding_group.hpp>
#include <coir/detail/group_member.hpp>
#include <coir/detail/later_end.hpp>

#include <tuple>
#include <variant>

namespace coir::inline v0::detail {

template <class First, class... Rest>
inline constexpr bool all_same = (std::same_as<First, Rest> && ...);

template <bool OnlySuccess, class... Ops>
class [[nodiscard]] when_any_operation {
    static constexpr bool agree = all_same<member_value<Ops>...>;
    using first_value = member_value<std::tuple_element_t<0, std::tuple<Ops...>>>;
    using indices = std::make_index_sequence<sizeof...(Ops)>;
    using group = any_group<OnlySuccess>;

public:
    using value_type = std::conditional_t<agree, first_value, std::variant<regular<member_value<Ops>>...>>;
    using error_type = errors<typename Ops::error_type...>;

    explicit when_any_operation(Ops&&... ops) : members_{std::move(ops)...} {}

    status poll(fiber_base& f) {
        if (!has_ended(ended_)) {
            if (!std::exchange(started_, true)) {
                group_.enter(f);
                start(f, indices{});
            }
            if (group_.poll_members(f) == status::pending) {
                return status::pending;
            }
            status const decided = decided_end();
            if (decided != status::value && group_.is_decided()) {
                keep_later_ends(f, indices{});
            }
            ended_ = group_.exit(decided);
        }
        return ended_;
    }

    value_type get() {
        if (ended_ == status::defect) {
            std::rethrow_exception(defect());
        }
        if constexpr (!std::is_void_v<value_type>) {
            std::optional<value_type> v;
            with_winner([&](auto& end, auto index) {
                if constexpr (agree) {
                    v.emplace(std::move(end).value());
                } else if constexpr (std::is_void_v<typename std::remove_cvref_t<decltype(end)>::value_type>) {
                    v.emplace(std::in_place_index<index>, unit{});
                } else {
                    v.emplace(std::in_place_index<index>, std::move(end).value());
                }
            });
            return std::move(*v);
        }
    }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        std::optional<error_type> e;
        with_winner([&](auto& end, auto) { e.emplace(error_as<error_type>(end)); });
        return std::move(*e);
    }
    std::exception_ptr defect() {
        std::exception_ptr thrown = not_started_;
        if (!thrown) {
            with_winner([&](auto& end, auto) { thrown = end.defect(); });
        }
        return thrown;
    }
    fiber_id interrupted_by() {
        fiber_id by;
        with_winner([&](auto& end, auto) { by = end.interrupted_by(); });
        return by;
    }

private:
    static constexpr std::size_t no_member = sizeof...(Ops);

    template <std::size_t... I>
    void keep_later_ends(fiber_base& f, std::index_sequence<I...>) noexcept {
        std::size_t const first = not_started_ ? no_member : group_.decided_by();
        ((first == I || group::keeps_later_ends ? add_later_end(f, std::get<I>(members_), first == I) : void()), ...);
    }

    // Without a winner none was started, as the owner was being cancelled.
    status decided_end() {
        if (not_started_) {
            return status::defect;
        }
        status s = group::undecided_end;
        with_winner([&](auto& end, auto) { s = status_of(end.kind()); });
        return s;
    }

    // One after the other, each up to its first suspension. If one cannot be made, those before
    // it are interrupted.
    template <std::size_t... I>
    void start(fiber_base& f, std::index_sequence<I...>) noexcept {
        auto const start_one = [&]<std::size_t N>(std::integral_constant<std::size_t, N>) {
            if (!group_.is_decided() && !f.cancel_requested()) {
                std::get<N>(members_).start(group_, {group_, N}, fiber_base::start::here);
            }
        };
        try {
            (start_one(std::integral_constant<std::size_t, I>{}), ...);
        } catch (...) {
            not_started_ = std::current_exception();
            group_.decide_by(no_member);
        }
    }

    template <class G>
    void with_winner(G&& g) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            ((group_.decided_by() == I ? g(std::get<I>(members_).end(), std::integral_constant<std::size_t, I>{})
                                       : void()),
             ...);
        }(indices{});
    }

    std::tuple<member<Ops, group_place<group>>...> members_;
    group group_{sizeof...(Ops)};
    std::exception_ptr not_started_; // what starting a member threw
    status ended_ = status::pending;
    bool started_ = false;
};

} // namespace coir::inline v0::detail
