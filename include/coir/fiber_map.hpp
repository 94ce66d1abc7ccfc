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

#include <coir/detail/hash_index.hpp>
#include <coir/fiber_set.hpp>
#include <coir/fiber_slot.hpp>

#include <concepts>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace coir::inline v0::detail {

template <class Key>
struct hashed_key {
    Key key;
    std::uint64_t hash;
};

template <class Key>
class keyed_member : public owned_member, public hash_entry {
public:
    keyed_member(fiber_base& f, hashed_key<Key>&& k) : owned_member{f}, hash_entry{k.hash}, key(std::move(k.key)) {}

    Key const key;

protected:
    ~keyed_member() = default;
};

// Keys are compared without the lock, which only looks at hashes: a lookup holds on to the fiber
// whose key it compares, and whoever then acts on the answer makes sure that it still holds.
template <class T, class E, class Key, class Hash, class Equal>
class map_core final : public owned_fibers {
public:
    using member = keyed_member<Key>;

    map_core(group& scope, Hash hash, Equal equal)
        : owned_fibers{scope}, hash_(std::move(hash)), equal_(std::move(equal)) {}

    std::uint64_t hash(Key const& key) const { return mix64(static_cast<std::uint64_t>(hash_(key))); }

    // The fiber with the key; an empty handle if there is none.
    fiber<T, E> find(Key const& key) const {
        found const f = lookup(key, hash(key));
        return f.handle;
    }

    // Takes its entry away.
    fiber<T, E> remove(Key const& key) {
        std::uint64_t const h = hash(key);
        for (;;) {
            found f = lookup(key, h);
            std::lock_guard guard{lock()};
            if (!f.handle || f.which->has_entry()) {
                if (f.handle) {
                    take_entry(*f.which);
                }
                return std::move(f.handle);
            } // it has ended, or made room for another one
        }
    }

    admission install(member& m, replace_options const& how) {
        make_room();
        for (;;) {
            found const f = lookup(m.key, m.hash());
            frozen_list frozen;
            std::lock_guard guard{lock()};
            if (holds(f, m.hash())) {
                return put(m, f.which, how, frozen);
            }
        }
    }

    // False: there is not room enough.
    bool copy_handles(std::vector<fiber<T, E>>& to) const noexcept {
        return copy_each(to, [](owned_member& m) { return handle_to<T, E>(m); });
    }

    // The keys of those that are there now.
    std::vector<Key> keys() const {
        std::vector<found> all;
        auto const hold_it = [](owned_member& m) { return hold(&static_cast<member&>(m), 0); };
        while (!copy_each(all, hold_it)) {
            all.reserve(this->size() + this->size() / 2);
        }
        std::vector<Key> copies;
        copies.reserve(all.size());
        for (found const& f : all) {
            copies.push_back(f.which->key);
        }
        return copies;
    }

private:
    struct found {
        member* which = nullptr;
        fiber<T, E> handle{};         // keeps it
        std::uint64_t insertions = 0; // when the lookup began
    };

    template <class F, class Make>
    bool copy_each(std::vector<F>& to, Make make) const noexcept {
        std::lock_guard guard{this->lock()};
        if (this->entries() > to.capacity()) {
            return false;
        }
        this->for_each_entry([&](owned_member& m) { to.push_back(make(m)); });
        return true;
    }

    found lookup(Key const& key, std::uint64_t h) const {
        found f = first(h);
        while (f.handle && !equal_(f.which->key, key)) {
            f = after(std::move(f));
        }
        return f;
    }
    found first(std::uint64_t h) const noexcept {
        std::lock_guard guard{lock()};
        return hold(index_.first(h), insertions_);
    }
    found after(found f) const noexcept {
        found next;
        std::lock_guard guard{lock()};
        // If it has lost its entry, what came after it is not known any more.
        next = f.which->has_entry() ? hold(hash_index::next(*f.which), f.insertions)
                                    : hold(index_.first(f.which->hash()), insertions_);
        return next;
    }
    static found hold(hash_entry* e, std::uint64_t insertions) noexcept {
        auto* const m = static_cast<member*>(e);
        return m != nullptr ? found{m, handle_to<T, E>(*m), insertions} : found{nullptr, {}, insertions};
    }

    // Under the lock: it still is so.
    bool holds(found const& f, std::uint64_t h) const noexcept {
        return f.handle ? f.which->has_entry() : insertions_ == f.insertions || index_.first(h) == nullptr;
    }

    admission put(member& m, member* before, replace_options const& how, frozen_list& frozen) noexcept {
        if ((how.only_if_missing && before != nullptr) || !admit(m)) {
            return admission::refused;
        }
        bool const starts = before == nullptr || replace(*before, m, how.after_previous, frozen, current_fiber_id());
        index_.insert(m);
        ++insertions_;
        return starts ? admission::starts : admission::waits;
    }

    void make_room() {
        std::size_t wanted = 0;
        {
            std::lock_guard guard{lock()};
            wanted = index_.wants();
        }
        if (wanted != 0) {
            auto room = std::make_unique<hash_index::bucket[]>(wanted);
            std::lock_guard guard{lock()};
            index_.give(room, wanted);
        }
    }

    void forget(owned_member& m) noexcept override { index_.erase(static_cast<member&>(m)); }

    COIR_NO_UNIQUE_ADDRESS Hash hash_;
    COIR_NO_UNIQUE_ADDRESS Equal equal_;
    hash_index index_;
    std::uint64_t insertions_ = 0;
};

} // namespace coir::inline v0::detail

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
