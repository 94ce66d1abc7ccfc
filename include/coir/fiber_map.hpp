// Running fibers by key, one for each: the latest of a key wins.
//
//     auto body = [&](coir::scope<>& s) -> coir::task<> {
//         coir::fiber_map<user_id> sessions{s};
//         while (auto c = co_await listener.accept()) {
//             sessions.run(c->user(), serve, std::move(*c));  // an older session of the user is interrupted
//         }
//         co_await sessions.remove(banned);                   // it has ended here
//     };
//
// Its fibers belong to a scope, which they never outlive; but their failures are not the scope's:
// they go to join(), and to whoever holds a handle. When the map is destroyed, its fibers are
// interrupted, and the scope waits for them. A fiber that ends takes its own entry with it, and
// never that of the one that has taken its place.
#pragma once

#include <coir/detail/map_core.hpp>
#include <coir/detail/std/functional.hpp>

#include <concepts>
#include <utility>
#include <vector>

namespace coir::inline v0 {

// T, E: what its fibers give and how they fail. Hash and Equal as for std::unordered_map; they are
// called by any thread that uses the map, by several at once, and never under its lock. Neither
// copied nor moved. The members that are plain calls may be called from any thread as long as the
// map lives, after its scope too: it is closed then. Awaits that are under way need not be over
// when it is destroyed. Memory is kept for the most fibers that there ever were at once.
template <class Key, class T = void, class E = never, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
class fiber_map : public detail::owned_group<T, E, detail::map_core<T, E, Key, Hash, Equal>> {
    using core_type = detail::map_core<T, E, Key, Hash, Equal>;
    using base = detail::owned_group<T, E, core_type>;

public:
    using key_type = Key;

    // Its fibers are children of `s`, and run where the fiber does that entered the scope.
    template <class S>
    explicit fiber_map(scope<S>& s, Hash hash = Hash(), Equal equal = Equal())
        : base{s, std::move(hash), std::move(equal)} {}

    // Starts `work` - a task, or a callable and its arguments, which are kept as long as it runs -
    // in place of what runs for the key, which is asked to end first. -> fiber<T, E>. A plain
    // call, from any thread. In a closed map the fiber ends interrupted without starting. The
    // error of the work must fit E; where T is void its value is dropped. What Hash, Equal or
    // copying the key throw is thrown, and nothing has changed then. O(1) on average, two cached
    // allocations.
    template <std::convertible_to<Key> K, class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    fiber<T, E> run(K&& key, replace_options how, Work&& work, Args&&... args) {
        auto made_key = hashed(Key(std::forward<K>(key)));
        auto& made = detail::make_owned<T, E, detail::keyed_member<Key>>(
            this->shared_core(), std::move(made_key), how.name, std::forward<Work>(work), std::forward<Args>(args)...);
        fiber<T, E> handle{&made};
        detail::admission admitted{};
        try {
            admitted = this->core().install(made, how);
        } catch (...) {
            made.end_unstarted();
            throw;
        }
        detail::carry_out(made, admitted);
        return handle;
    }
    template <std::convertible_to<Key> K, class Work, class... Args>
        requires detail::work<detail::stored<Work>, detail::stored<Args>...>
    fiber<T, E> run(K&& key, Work&& work, Args&&... args) {
        return run(std::forward<K>(key), replace_options{}, std::forward<Work>(work), std::forward<Args>(args)...);
    }

    // The fiber that runs for the key; an empty handle if none does. Any thread. O(1) on average
    fiber<T, E> find(Key const& key) const { return this->core().find(key); }
    bool contains(Key const& key) const { return static_cast<bool>(find(key)); }

    // `co_await m.remove(key)`: takes out the fiber that runs for the key, asks it to end and waits
    // until it has; false if there is none. One that comes meanwhile is left alone. When interrupted
    // it waits no longer, and what it has taken out ends by itself. O(1) on average, nothing is
    // allocated.
    template <std::convertible_to<Key> K>
    auto remove(K&& key) const {
        auto take = [core = this->shared_core(), k = Key(std::forward<K>(key))] { return core->remove(k); };
        return detail::owned_remove<T, E, decltype(take)>{std::move(take)};
    }

    // Handles to its fibers, and their keys, the oldest first. Any thread. O(fibers)
    std::vector<fiber<T, E>> fibers() const { return detail::handles_of<T, E>(this->core()); }
    std::vector<Key> keys() const { return this->core().keys(); }

private:
    detail::hashed_key<Key> hashed(Key key) const {
        std::uint64_t const h = this->core().hash(key);
        return {std::move(key), h};
    }
};

} // namespace coir::inline v0
