// The operations of when_all.
#pragma once

#include <coir/detail/member_task.hpp>

#include <array>
#include <limits>
#include <tuple>
#include <vector>

namespace coir::inline v0::detail {

// A group that ends with the first end that is not success.
class all_group : public group {
public:
    static constexpr std::size_t undecided = (std::numeric_limits<std::size_t>::max)();

    all_group() = default;
    all_group(all_group&&) noexcept : group{} {} // before it is entered

    auto on_end(std::size_t index) noexcept {
        return [this, index](auto const& end) noexcept {
            if (!end.is_success()) {
                fail(index);
            }
        };
    }
    void fail(std::size_t index) noexcept {
        std::size_t none = undecided;
        // release: pairs with the acquire of decided_by().
        if (first_.compare_exchange_strong(none, index, std::memory_order_acq_rel, std::memory_order_relaxed)) {
            decide();
        }
    }
    std::size_t decided_by() const noexcept { return first_.load(std::memory_order_acquire); }

private:
    atomic<std::size_t> first_{undecided};
};

template <class Op, class... Rest>
struct last_of : last_of<Rest...> {};
template <class Op>
struct last_of<Op> {
    using type = Op;
};

template <class... Ops>
class [[nodiscard]] when_all_operation {
    static constexpr std::size_t last = sizeof...(Ops) - 1;
    using inline_op = typename last_of<Ops...>::type;
    using forked = decltype([]<std::size_t... I>(std::index_sequence<I...>) {
        return std::type_identity<std::tuple<member_fiber<std::tuple_element_t<I, std::tuple<Ops...>>>...>>{};
    }(std::make_index_sequence<last>{}))::type;

public:
    using value_type = std::tuple<regular<member_value<Ops>>...>;
    using error_type = errors<typename Ops::error_type...>;

    explicit when_all_operation(Ops&&... ops) : ops_{std::move(ops)...} {}

    status poll(fiber_base& f) {
        switch (phase_) {
        case phase::before:
            group_.enter(f);
            phase_ = phase::running;
            start(std::make_index_sequence<last>{});
            [[fallthrough]];
        case phase::running:
            inline_end_ = not_started_ ? status::defect : std::get<last>(ops_).poll(f);
            if (!has_ended(inline_end_)) {
                return inline_end_;
            }
            if (inline_end_ != status::value) {
                group_.fail(last);
            }
            phase_ = phase::children;
            [[fallthrough]];
        case phase::children:
            if (group_.poll_members(f) == status::pending) {
                return status::pending;
            }
            phase_ = phase::ended;
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
        return values(std::make_index_sequence<last>{});
    }
    error_type error()
        requires(!std::same_as<error_type, never>)
    {
        std::optional<error_type> e;
        decisive([&]<class End>(End& end) {
            if constexpr (!std::same_as<typename End::error_type, never>) {
                e.emplace(convert_error<error_type>(end.error()));
            }
        });
        return std::move(*e);
    }
    std::exception_ptr defect() {
        std::exception_ptr thrown = not_started_;
        if (!thrown) {
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

    // If one cannot be made, those before it are interrupted and awaited like any others.
    template <std::size_t... I>
    void start(std::index_sequence<I...>) noexcept {
        try {
            ((std::get<I>(members_) = start_member(group_, std::move(std::get<I>(ops_)), group_.on_end(I),
                                                   fiber_base::start::queued)),
             ...);
        } catch (...) {
            not_started_ = std::current_exception();
        }
    }

    status decided_end() {
        if (group_.decided_by() == all_group::undecided) {
            return status::value;
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
            g(std::get<last>(ops_));
            return;
        }
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            ((group_.decided_by() == I ? g(std::get<I>(members_).get_state().cell().end()) : void()), ...);
        }(std::make_index_sequence<last>{});
    }

    template <std::size_t... I>
    value_type values(std::index_sequence<I...>) {
        return value_type{regular_value(std::get<I>(members_))..., regular_get(std::get<last>(ops_))};
    }

    std::tuple<Ops...> ops_;
    forked members_;
    all_group group_;
    std::exception_ptr not_started_; // what starting a member threw
    phase phase_ = phase::before;
    status inline_end_ = status::pending;
    status ended_ = status::pending;
};

template <class Op>
class [[nodiscard]] when_all_range_operation {
public:
    using value_type = std::vector<regular<member_value<Op>>>;
    using error_type = typename Op::error_type;

    explicit when_all_range_operation(std::vector<Op>&& ops) : ops_{std::move(ops)} {}

    status poll(fiber_base& f) {
        if (!has_ended(ended_)) {
            if (!std::exchange(started_, true)) {
                group_.enter(f);
                start();
            }
            if (group_.poll_members(f) == status::pending) {
                return status::pending;
            }
            ended_ = group_.exit(decided_end());
        }
        return ended_;
    }

    value_type get() {
        if (ended_ == status::defect) {
            std::rethrow_exception(defect());
        }
        value_type values;
        values.reserve(members_.size());
        for (auto& m : members_) {
            values.push_back(regular_value(m));
        }
        return values;
    }
    error_type&& error()
        requires(!std::same_as<error_type, never>)
    {
        return std::move(decisive()).error();
    }
    std::exception_ptr defect() { return not_started_ ? not_started_ : decisive().defect(); }
    fiber_id interrupted_by() { return decisive().interrupted_by(); }

private:
    void start() noexcept {
        try {
            members_.reserve(ops_.size());
            for (std::size_t i = 0; i < ops_.size(); ++i) {
                members_.push_back(start_member(group_, std::move(ops_[i]), group_.on_end(i), fiber_base::start::queued));
            }
        } catch (...) {
            not_started_ = std::current_exception();
            group_.fail(members_.size());
        }
        ops_.clear();
    }
    status decided_end() {
        if (not_started_) {
            return status::defect;
        }
        return group_.decided_by() == all_group::undecided ? status::value : status_of(decisive().kind());
    }
    auto& decisive() { return members_[group_.decided_by()].get_state().cell().end(); }

    std::vector<Op> ops_;
    std::vector<member_fiber<Op>> members_;
    all_group group_;
    std::exception_ptr not_started_; // what starting a member threw
    status ended_ = status::pending;
    bool started_ = false;
};

} // namespace coir::inline v0::detail
