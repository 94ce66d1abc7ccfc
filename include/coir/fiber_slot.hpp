// Room for one running fiber: the latest wins.
//
//     auto body = [&](coir::scope<>& s) -> coir::task<> {
//         coir::fiber_slot<> search{s};
//         while (auto text = co_await typed.pop()) {
//             search.run(find_and_show, *text);       // interrupts the search before, if it still runs
//         }
//         co_await search.join();                     // the last one
//     };
//
// Its fibers belong to a scope, which they never outlive; but their failures are not the scope's:
// they go to join(), and to whoever holds a handle. When the slot is destroyed, what runs in it is
// interrupted, and the scope waits for it.
#pragma once

#include <coir/detail/owned_group.hpp>

#include <mutex>

namespace coir::inline v0::detail {

class slot_core final : public owned_fibers {
public:
    using owned_fibers::owned_fibers;

    admission install(owned_member& m, replace_options const& how) noexcept {
        frozen_members frozen;
        std::lock_guard guard{lock()};
        owned_member* const before = current_;
        if ((how.only_if_missing && before != nullptr) || !admit(m)) {
            return admission::refused;
        }
        bool const starts = before == nullptr || replace(*before, m, how.after_previous, frozen, current_fiber_id());
        current_ = &m;
        return starts ? admission::starts : admission::waits;
    }

    // Retained, or null.
    fiber_base* current() const noexcept {
        std::lock_guard guard{lock()};
        if (current_ == nullptr) {
            return nullptr;
        }
        current_->get_fiber().retain();
        return &current_->get_fiber();
    }

private:
    void forget(owned_member&) noexcept override { current_ = nullptr; }

    owned_member* current_ = nullptr; // the one that has an entry
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// T, E: what its fibers give and how they fail. Neither copied nor moved. The members that are
// plain calls may be called from any thread as long as the slot lives, after its scope too:
// it is closed then. Awaits that are under way need not be over when it is destroyed.
template <class T = void, class E = never>
class fiber_slot : public detail::owned_group<T, E, detail::slot_core> {
    using base = detail::owned_group<T, E, detail::slot_core>;

public:
    // Its fibers are children of `s`, and run where the fiber does that entered the scope.
    template <class S>
    explicit fiber_slot(scope<S>& s) : base{s} {}

    // Starts `work` - a task, or a callable and its arguments, which are kept as long as it runs -
    // in place of what runs, which is asked to end first. -> fiber<T, E>. A plain call, from any
    // thread. In a closed slot the fiber ends interrupted without starting. The error of the work
    // must fit E; where T is void its value is dropped. O(1), two cached allocations.
    template <class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    fiber<T, E> run(replace_options how, Work&& work, Args&&... args) {
        auto& made = detail::make_owned<T, E, detail::plain_member>(
            this->shared_core(), unit{}, how.name, std::forward<Work>(work), std::forward<Args>(args)...);
        fiber<T, E> handle{&made};
        detail::carry_out(made, this->core().install(made, how));
        return handle;
    }
    template <class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    fiber<T, E> run(Work&& work, Args&&... args) {
        return run(replace_options{}, std::forward<Work>(work), std::forward<Args>(args)...);
    }

    // What runs in the slot; an empty handle if nothing does. Any thread. O(1)
    fiber<T, E> get() const noexcept { return detail::handle_of<T, E>(this->core().current()); }
};

template <class S>
fiber_slot(scope<S>&) -> fiber_slot<>;

} // namespace coir::inline v0
