// Running fibers that come and go, held together.
//
//     auto body = [&](coir::scope<>& s) -> coir::task<> {
//         coir::fiber_set<void, io_error> connections{s};
//         while (auto c = co_await listener.accept()) {
//             connections.run(serve, std::move(*c));          // one that fails ends no other
//         }
//         co_await connections.clear();                       // interrupts them, and waits
//     };
//
// Its fibers belong to a scope, which they never outlive; but their failures are not the scope's:
// they go to join(), and to whoever holds a handle. When the set is destroyed, its fibers are
// interrupted, and the scope waits for them.
#pragma once

#include <coir/detail/owned_group.hpp>

#include <mutex>
#include <vector>

namespace coir::inline v0::detail {

class set_core final : public owned_fibers {
public:
    using owned_fibers::owned_fibers;

    admission install(owned_member& m) noexcept {
        std::lock_guard guard{lock()};
        return admit(m) ? admission::starts : admission::refused;
    }

    // False: there is not room enough.
    template <class T, class E>
    bool copy_handles(std::vector<fiber<T, E>>& to) const noexcept {
        std::lock_guard guard{lock()};
        if (entries() > to.capacity()) {
            return false;
        }
        for_each_entry([&](owned_member& m) { to.push_back(handle_to<T, E>(m)); });
        return true;
    }

private:
    void forget(owned_member&) noexcept override {}
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// T, E: what its fibers give and how they fail. Neither copied nor moved. The members that are
// plain calls may be called from any thread as long as the set lives, after its scope too:
// it is closed then. Awaits that are under way need not be over when it is destroyed.
template <class T = void, class E = never>
class fiber_set : public detail::owned_group<T, E, detail::set_core> {
    using base = detail::owned_group<T, E, detail::set_core>;

public:
    // Its fibers are children of `s`, and run where the fiber does that entered the scope.
    template <class S>
    explicit fiber_set(scope<S>& s) : base{s} {}

    // Starts `work` - a task, or a callable and its arguments, which are kept as long as it runs -
    // beside the others. -> fiber<T, E>. A plain call, from any thread. In a closed set the fiber
    // ends interrupted without starting. The error of the work must fit E; where T is void its
    // value is dropped. O(1), two cached allocations.
    template <class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    fiber<T, E> run(fork_options options, Work&& work, Args&&... args) {
        detail::fork_setup setup{options, this->core().where()};
        auto& made = detail::make_owned<T, E, detail::plain_member>(
            this->shared_core(), unit{}, std::string_view{}, std::forward<Work>(work), std::forward<Args>(args)...);
        fiber<T, E> handle{&made};
        setup.prepare(made);
        detail::carry_out(made, this->core().install(made), setup.how());
        return handle;
    }
    template <class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    fiber<T, E> run(Work&& work, Args&&... args) {
        return run(fork_options{}, std::forward<Work>(work), std::forward<Args>(args)...);
    }

    // Handles to its fibers, the oldest first: for interrupt_all, join_all, await_all. Any thread. O(fibers)
    std::vector<fiber<T, E>> fibers() const { return detail::handles_of<T, E>(this->core()); }
};

template <class S>
fiber_set(scope<S>&) -> fiber_set<>;

} // namespace coir::inline v0
