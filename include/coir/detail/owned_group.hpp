// The part of the face that fiber_slot, fiber_map and fiber_set have in common.
#pragma once

#include <coir/detail/attachment.hpp>
#include <coir/detail/owned_wait.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace coir::inline v0 {

// How work takes the place of what runs.
struct replace_options {
    bool only_if_missing = false; // what runs is kept, and the new work ends interrupted without starting
    bool after_previous = false;  // starts when the one whose place it takes has ended: never both at once
    std::string_view name = {};   // of the new fiber; copied
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// Core: what the kind of group keeps, an owned_fibers.
template <class T, class E, class Core>
class owned_group {
public:
    using value_type = T;
    using error_type = E;

    owned_group(owned_group const&) = delete;
    owned_group& operator=(owned_group const&) = delete;

    // How many there are: those that were replaced or removed do not count, though they may still
    // be cleaning up. Any thread. O(1)
    std::size_t size() const noexcept { return core_->size(); }
    bool is_empty() const noexcept { return size() == 0; }

    // The group takes no more work: it was closed, or its scope was. Any thread. O(1)
    bool is_closed() const noexcept { return core_->is_closed(); }

    // Asks every fiber of the group to end, and waits for nothing. Any thread. O(fibers)
    void request_interrupt() noexcept { core_->interrupt_all(current_fiber_id()); }

    // `co_await g.clear()`: takes out all that are there, asks them to end and waits until they,
    // and those that were replaced before, have ended. One that comes meanwhile is left alone.
    // When interrupted it waits no longer, and what it has taken out ends by itself.
    // A fiber of the group that awaits it is interrupted itself. O(fibers), nothing is allocated.
    auto clear() const noexcept { return owned_wait{core_, owned_until::cleared}; }

    // The same, and whatever is run from then on ends interrupted without starting.
    auto close() const noexcept { return owned_wait{core_, owned_until::closed}; }

    // `co_await g.await_empty()`: until no fiber of the group runs, however they end.
    auto await_empty() const noexcept { return owned_wait{core_, owned_until::empty}; }

    // `co_await g.join()`: the same, but as soon as one has failed or died it ends so too; the
    // others go on. The first to fail stays the first: every later join ends with it as well.
    // Interruption is not failure. A first failure that nobody joins, nor sees at its handle, is
    // reported as unhandled when the group goes.
    auto join() const noexcept { return owned_join<T, E>{core_}; }

protected:
    template <class S, class... Args>
    explicit owned_group(scope<S>& s, Args&&... args)
        : core_{std::make_shared<Core>(s.get_group(), std::forward<Args>(args)...)},
          link_{s.get_closed(), close_owned{core_.get()}} {}
    // What still runs is asked to end. The scope waits for it.
    ~owned_group() {
        core_->close();
        core_->interrupt_all(current_fiber_id());
    }

    Core& core() const noexcept { return *core_; }
    std::shared_ptr<Core> const& shared_core() const noexcept { return core_; }

private:
    std::shared_ptr<Core> core_;
    attachment<close_owned> link_;
};

// Handles to the fibers that have entries, the oldest first.
template <class T, class E, class Core>
std::vector<fiber<T, E>> handles_of(Core const& core) {
    std::vector<fiber<T, E>> all;
    while (!core.copy_handles(all)) {
        all.reserve(core.size() + core.size() / 2); // memory is got without the lock
    }
    return all;
}

} // namespace coir::inline v0::detail
